#include "restore/ddcolor/colorize.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_nearest2d.h>

#include "restore/lab.hpp"

namespace darkroom {

at::Tensor lightness_of(const at::Tensor& rgb) { return rgb_to_lab(rgb).select(2, 0).contiguous(); }

at::Tensor grey_square(const at::Tensor& rgb, std::int64_t side) {
  auto lab = rgb_to_lab(resize_linear(rgb, side, side));
  lab.narrow(2, 1, 2).zero_();
  return lab_to_rgb(lab).permute({2, 0, 1}).contiguous();
}

at::Tensor with_colors(const at::Tensor& lightness, const at::Tensor& ab) {
  const auto height = lightness.size(0), width = lightness.size(1);
  auto lab = at::empty({height, width, 3}, at::kFloat);
  lab.select(2, 0).copy_(lightness);
  lab.narrow(2, 1, 2).copy_(at::upsample_nearest2d(ab.unsqueeze(0), {height, width}).squeeze(0).permute({1, 2, 0}));
  return lab_to_rgb(lab);
}

at::Tensor colorize(const DDColor& network, const at::Tensor& rgb, std::int64_t side, const WorkProgress& progress,
                    const ColorWatch& watch) {
  return with_colors(lightness_of(rgb), network(grey_square(rgb, side), progress, watch));
}

}  // namespace darkroom
