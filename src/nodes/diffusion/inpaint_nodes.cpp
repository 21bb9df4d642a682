// InpaintModelConditioning: what a model made for inpainting sees of the picture and its hole.

#include <ATen/TensorOperators.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include "diffusion/vae.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion/vae_run.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// The middle of `t` along `dim`, cut to whole latent pixels.
at::Tensor cut_to_latent(const at::Tensor& t, std::int64_t dim, std::int64_t step) {
  const auto size = t.size(dim), kept = size / step * step;
  return t.narrow(dim, size % step / 2, kept);
}

Conditioning with_picture(const Conditioning& given, const at::Tensor& latent, const at::Tensor& mask) {
  Conditioning changed = given;
  for (auto& cond : changed) {
    cond.concat_latent = latent;
    cond.concat_mask = mask;
  }
  return changed;
}

class InpaintModelConditioning final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("InpaintModelConditioning", Form::kV1).category("conditioning/inpaint").display_name("InpaintModelConditioning")
        .input("positive", bare("CONDITIONING")).input("negative", bare("CONDITIONING")).input("vae", bare("VAE"))
        .input("pixels", bare("IMAGE")).input("mask", bare("MASK"))
        .input("noise_mask", Boolean{.value = true, .common = {.tooltip = "Samples only within the mask; off, the model changes the rest as it likes."}})
        .output("CONDITIONING", "positive").output("CONDITIONING", "negative").output("LATENT", "latent");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto vae = usable_vae(in);
    const auto step = vae->info().downscale;
    auto pixels = in.image("pixels");
    auto mask = in.mask("mask");
    mask = mask.reshape({-1, 1, mask.size(-2), mask.size(-1)});
    mask = at::upsample_bilinear2d(mask, {pixels.size(1), pixels.size(2)}, /*align_corners=*/false);
    pixels = cut_to_latent(cut_to_latent(pixels, 1, step), 2, step).narrow(3, 0, 3);
    mask = cut_to_latent(cut_to_latent(mask, 2, step), 3, step);
    const auto kept = 1.0 - mask.round().permute({0, 2, 3, 1});
    const auto grey = (pixels - 0.5) * kept + 0.5;
    const auto hole = vae->encode(grey, vae_run(context)), whole = vae->encode(pixels, vae_run(context));
    LatentObject latent;
    latent.samples = whole;
    if (in.boolean_or("noise_mask", true)) latent.noise_mask = mask;
    return {conditioning_value(with_picture(conditioning(in, "positive"), hole, mask)),
            conditioning_value(with_picture(conditioning(in, "negative"), hole, mask)), latent_value(std::move(latent))};
  }
};

}  // namespace

void register_inpaint_nodes(Registry& registry) { registry.add<InpaintModelConditioning>(); }

}  // namespace darkroom
