// VAEEncodeForInpaint and InpaintModelConditioning: pictures whose hole will be filled by sampling.

#include "diffusion/vae.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/holed_picture.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion/vae_run.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

Conditioning with_picture(const Conditioning& given, const at::Tensor& latent, const at::Tensor& mask) {
  Conditioning changed = given;
  for (auto& cond : changed) {
    cond.concat_latent = latent;
    cond.concat_mask = mask;
  }
  return changed;
}

/// The latent of a picture with grey in the hole, and the hole as the noise mask.
class VAEEncodeForInpaint final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("VAEEncodeForInpaint", Form::kV1).category("latent/inpaint").display_name("VAE Encode (for Inpainting)")
        .input("pixels", bare("IMAGE")).input("vae", bare("VAE")).input("mask", bare("MASK"))
        .input("grow_mask_by", Int{.value = 6, .min = 0, .max = 64, .step = 1})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto vae = usable_vae(in);
    const auto picture = cut_to_latent(in.image("pixels"), in.mask("mask"), vae->info().downscale);
    LatentObject latent;
    latent.samples = vae->encode(with_hole(picture), vae_run(context));
    latent.noise_mask = grown_mask(picture.mask, in.integer("grow_mask_by"));
    return {latent_value(std::move(latent))};
  }
};

/// What a model made for inpainting sees of the picture and its hole.
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
    const auto picture = cut_to_latent(in.image("pixels"), in.mask("mask"), vae->info().downscale);
    const auto hole = vae->encode(with_hole(picture), vae_run(context)), whole = vae->encode(picture.pixels, vae_run(context));
    LatentObject latent;
    latent.samples = whole;
    if (in.boolean_or("noise_mask", true)) latent.noise_mask = picture.mask;
    return {conditioning_value(with_picture(conditioning(in, "positive"), hole, picture.mask)),
            conditioning_value(with_picture(conditioning(in, "negative"), hole, picture.mask)), latent_value(std::move(latent))};
  }
};

}  // namespace

void register_inpaint_nodes(Registry& registry) {
  registry.add<VAEEncodeForInpaint>();
  registry.add<InpaintModelConditioning>();
}

}  // namespace darkroom
