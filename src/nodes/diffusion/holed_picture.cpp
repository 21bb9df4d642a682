#include "nodes/diffusion/holed_picture.hpp"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include "base/error.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

at::Tensor cut(const at::Tensor& t, std::int64_t dim, std::int64_t step) {
  return t.narrow(dim, t.size(dim) % step / 2, t.size(dim) / step * step);
}

}  // namespace

MaskedPicture cut_to_latent(const at::Tensor& pixels, const at::Tensor& mask, std::int64_t step) {
  if (mask.size(0) != 1 && mask.size(0) != pixels.size(0))
    throw InvalidInput("mask: " + std::to_string(mask.size(0)) + " masks for " + std::to_string(pixels.size(0)) + " images");
  if (pixels.size(1) < step || pixels.size(2) < step) throw InvalidInput("pixels: " + describe(pixels) + " is smaller than one latent pixel");
  if (mask.numel() == 0) throw InvalidInput("mask: it is empty");
  auto m = mask.unsqueeze(1);
  if (m.size(2) != pixels.size(1) || m.size(3) != pixels.size(2)) m = at::upsample_bilinear2d(m, {pixels.size(1), pixels.size(2)}, /*align_corners=*/false);
  return {cut(cut(pixels, 1, step), 2, step), cut(cut(m, 2, step), 3, step)};
}

at::Tensor with_hole(const MaskedPicture& picture) {
  const auto kept = picture.mask.round().permute({0, 2, 3, 1}).mul(-1).add_(1);
  return picture.pixels.sub(0.5).mul(kept).add_(0.5);
}

at::Tensor grown_mask(const at::Tensor& mask, std::int64_t side) {
  const auto rounded = mask.round();
  if (side <= 1) return rounded;
  const auto before = side / 2, after = side - 1 - before;  // an even side looks further up and left, so that what it finds grows down and right
  return at::max_pool2d(at::constant_pad_nd(rounded, {before, after, before, after}), {side, side}, {1, 1});
}

}  // namespace darkroom
