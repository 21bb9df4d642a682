#include "diffusion/control.hpp"

#include <ATen/ops/_upsample_nearest_exact2d.h>

#include <cmath>

#include "base/error.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

void add_scaled(at::Tensor& sum, const at::Tensor& addend, double strength) {
  if (!addend.defined()) return;
  if (sum.defined()) sum = sum.add(addend, strength);
  else sum = strength == 1 ? addend : addend.mul(strength);
}

void add_scaled(std::vector<at::Tensor>& sums, const std::vector<at::Tensor>& addends, double strength) {
  if (sums.size() < addends.size()) sums.resize(addends.size());
  for (std::size_t i = 0; i < addends.size(); ++i) add_scaled(sums[i], addends[i], strength);
}

}  // namespace

std::optional<ControlResiduals> control_residuals(const ControlLink* last, const UNetCall& call, const ControlStep& step) {
  std::optional<ControlResiduals> sum;
  for (const auto* link = last; link; link = link->previous.get()) {
    if (link->strength == 0 || !link->active(step.sampling, step.sigma)) continue;
    const auto network = link->model->acquire(step.model);
    const auto own = (*network)(call, {link->hint, step.parts, link->union_type});
    if (!sum) sum.emplace();
    add_scaled(sum->skips, own.skips, link->strength);
    add_scaled(sum->input, own.input, link->strength);
    add_scaled(sum->middle, own.middle, link->strength);
  }
  return sum;
}

at::Tensor resized_hint(const at::Tensor& hint, std::int64_t height, std::int64_t width) {
  if (hint.dim() != 4 || hint.numel() == 0) throw InvalidInput("ControlNet: a hint of shape " + shape_text(hint) + ", pictures [B,3,H,W] were expected");
  const auto h = hint.size(2), w = hint.size(3);
  const double old_aspect = static_cast<double>(w) / static_cast<double>(h), new_aspect = static_cast<double>(width) / static_cast<double>(height);
  const auto margin = [](std::int64_t size, double ratio) { return static_cast<std::int64_t>(std::nearbyint((static_cast<double>(size) - static_cast<double>(size) * ratio) / 2)); };
  auto middle = hint;
  if (old_aspect > new_aspect) {
    const auto x = margin(w, new_aspect / old_aspect);
    middle = hint.narrow(3, x, w - 2 * x);
  } else if (old_aspect < new_aspect) {
    const auto y = margin(h, old_aspect / new_aspect);
    middle = hint.narrow(2, y, h - 2 * y);
  }
  return at::_upsample_nearest_exact2d(middle, {height, width});
}

at::Tensor over_batch(const at::Tensor& pictures, std::int64_t batch, std::int64_t parts) {
  if (pictures.size(0) == 1) return pictures;
  const auto each = batch / parts;
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < batch; ++i) rows.push_back(pictures.narrow(0, i % each % pictures.size(0), 1));
  return concat(rows);
}

}  // namespace darkroom
