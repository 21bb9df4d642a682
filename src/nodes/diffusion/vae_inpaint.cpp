// VAEEncodeForInpaint: a picture whose hole will be filled by sampling.

#include "nodes/diffusion/vae_inpaint.hpp"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include "base/error.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion/vae_run.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

at::Tensor cut(const at::Tensor& t, std::int64_t dim, std::int64_t step) {
  return t.narrow(dim, t.size(dim) % step / 2, t.size(dim) / step * step);
}

/// The largest value within a box of `side` pixels; one of even side looks further up and left, so that what it finds grows down and right.
at::Tensor grown(const at::Tensor& mask, std::int64_t side) {
  if (side <= 1) return mask;
  const auto before = side / 2, after = side - 1 - before;
  return at::max_pool2d(at::constant_pad_nd(mask, {before, after, before, after}), {side, side}, {1, 1});
}

}  // namespace

HoledPicture cut_hole(const at::Tensor& pixels, const at::Tensor& mask, std::int64_t grow, std::int64_t step) {
  if (mask.size(0) != 1 && mask.size(0) != pixels.size(0))
    throw InvalidInput("mask: " + std::to_string(mask.size(0)) + " masks for " + std::to_string(pixels.size(0)) + " images");
  if (pixels.size(1) < step || pixels.size(2) < step) throw InvalidInput("pixels: " + describe(pixels) + " is smaller than one latent pixel");
  if (mask.numel() == 0) throw InvalidInput("mask: it is empty");
  auto m = mask.unsqueeze(1);
  if (m.size(2) != pixels.size(1) || m.size(3) != pixels.size(2)) m = at::upsample_bilinear2d(m, {pixels.size(1), pixels.size(2)}, /*align_corners=*/false);
  m = cut(cut(m, 2, step), 3, step).round();
  const auto kept = m.permute({0, 2, 3, 1}).mul(-1).add_(1);
  return {cut(cut(pixels, 1, step), 2, step).sub(0.5).mul(kept).add_(0.5), grown(m, grow)};
}

namespace {

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
    const auto holed = cut_hole(in.image("pixels"), in.mask("mask"), in.integer("grow_mask_by"), vae->info().downscale);
    LatentObject latent;
    latent.samples = vae->encode(holed.pixels, vae_run(context));
    latent.noise_mask = holed.mask;
    return {latent_value(std::move(latent))};
  }
};

}  // namespace

void register_vae_inpaint_nodes(Registry& registry) { registry.add<VAEEncodeForInpaint>(); }

}  // namespace darkroom
