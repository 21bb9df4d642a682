#include "nodes/compositing.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "nodes/resize.hpp"
#include "tensor/concat.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

// Below this alpha a pixel has no colour that could be recovered.
constexpr double kLeastAlpha = 1e-5;

struct Composed {
  at::Tensor color, alpha;
};

/// `s`, `d`: colours times alpha; `sa`, `da`: alphas, with a last axis of one.
Composed compose(const at::Tensor& s, const at::Tensor& sa, const at::Tensor& d, const at::Tensor& da, std::string_view mode) {
  const auto united = [&] { return sa + da - sa * da; };
  if (mode == "ADD") return {(s + d).clamp(0, 1), (sa + da).clamp(0, 1)};
  if (mode == "CLEAR") return {at::zeros_like(d), at::zeros_like(da)};
  if (mode == "DARKEN") return {(1 - da) * s + (1 - sa) * d + at::minimum(s, d), united()};
  if (mode == "DST") return {d, da};
  if (mode == "DST_ATOP") return {sa * d + (1 - da) * s, sa};
  if (mode == "DST_IN") return {d * sa, sa * da};
  if (mode == "DST_OUT") return {(1 - sa) * d, (1 - sa) * da};
  if (mode == "DST_OVER") return {d + (1 - da) * s, da + (1 - da) * sa};
  if (mode == "LIGHTEN") return {(1 - da) * s + (1 - sa) * d + at::maximum(s, d), united()};
  if (mode == "MULTIPLY") return {s * d, sa * da};
  // The bright branch is that of ComfyUI: it equals the usual one only between opaque pixels.
  if (mode == "OVERLAY") return {at::where(2 * d < da, 2 * s * d, 2 * (s * sa + d * da - s * d) - sa * da), united()};
  if (mode == "SCREEN") return {s + d - s * d, united()};
  if (mode == "SRC") return {s, sa};
  if (mode == "SRC_ATOP") return {da * s + (1 - sa) * d, da};
  if (mode == "SRC_IN") return {s * da, sa * da};
  if (mode == "SRC_OUT") return {(1 - da) * s, (1 - da) * sa};
  if (mode == "SRC_OVER") return {s + (1 - sa) * d, sa + (1 - sa) * da};
  if (mode == "XOR") return {(1 - da) * s + (1 - sa) * d, (1 - da) * sa + (1 - sa) * da};
  throw InvalidInput("mode: unknown mode '" + std::string(mode) + "'");
}

at::Tensor scale_mask(const at::Tensor& mask, std::int64_t width, std::int64_t height, std::string_view method, std::string_view crop) {
  if (mask.size(1) == height && mask.size(2) == width) return mask;
  return common_upscale(mask.unsqueeze(1), width, height, method, crop).squeeze(1);
}

}  // namespace

Layer porter_duff(const Layer& source, const Layer& destination, std::string_view mode) {
  const at::Tensor sa = 1 - source.mask.unsqueeze(-1), da = 1 - destination.mask.unsqueeze(-1);
  const Composed out = compose(source.image * sa, sa, destination.image * da, da, mode);
  const at::Tensor color = at::where(out.alpha > kLeastAlpha, out.color / out.alpha, at::zeros_like(out.color));
  return {color.clamp(0, 1), 1 - out.alpha.squeeze(-1)};
}

std::pair<Layer, Layer> fit_layers(Layer source, Layer destination) {
  if (source.image.size(3) != destination.image.size(3))
    throw InvalidInput("source: " + describe(source.image) + " has other channels than the destination " + describe(destination.image));
  const std::int64_t batch = std::min({source.image.size(0), source.mask.size(0), destination.image.size(0), destination.mask.size(0)});
  const std::int64_t height = destination.image.size(1), width = destination.image.size(2);
  if (batch == 0 || height == 0 || width == 0) throw InvalidInput("destination: an empty picture " + describe(destination.image));
  for (Layer* layer : {&source, &destination}) {
    layer->image = layer->image.narrow(0, 0, batch);
    layer->mask = scale_mask(layer->mask.narrow(0, 0, batch), width, height, "bicubic", "center");
  }
  if (source.image.size(1) != height || source.image.size(2) != width)
    source.image = common_upscale(source.image.movedim(-1, 1), width, height, "bicubic", "center").movedim(1, -1);
  return {std::move(source), std::move(destination)};
}

at::Tensor join_alpha(const at::Tensor& image, const at::Tensor& mask) {
  if (image.size(3) < 3) throw InvalidInput("image: expected red, green and blue, got " + describe(image));
  const std::int64_t batch = std::min(image.size(0), mask.size(0));
  if (batch == 0 || image.numel() == 0) throw InvalidInput("image: an empty picture " + describe(image));
  const at::Tensor alpha = 1 - scale_mask(mask.narrow(0, 0, batch), image.size(2), image.size(1), "bilinear", "disabled");
  return concat({image.narrow(0, 0, batch).narrow(3, 0, 3), alpha.unsqueeze(-1)}, -1);
}

Layer split_alpha(const at::Tensor& image) {
  const at::Tensor colors = image.narrow(3, 0, std::min<std::int64_t>(3, image.size(3)));
  if (image.size(3) > 3) return {colors.clone(), 1 - image.select(3, 3)};
  return {colors.clone(), at::zeros({image.size(0), image.size(1), image.size(2)}, image.options())};
}

at::Tensor paste(const at::Tensor& destination, const at::Tensor& source, std::int64_t x, std::int64_t y,
                 const std::optional<at::Tensor>& mask, std::int64_t unit, bool resize_source) {
  if (source.dim() != destination.dim() || (source.size(1) != destination.size(1) && source.size(1) != 1))
    throw InvalidInput("source: " + describe(source) + " doesn't fit the destination " + describe(destination));
  const std::int64_t width = destination.size(-1), height = destination.size(-2);
  at::Tensor from = resize_source ? common_upscale(source, width, height, "bilinear", "disabled") : source;
  from = repeat_to_batch(from, destination.size(0));

  x = std::clamp(x, -from.size(-1) * unit, width * unit);
  y = std::clamp(y, -from.size(-2) * unit, height * unit);
  const auto floor_divide = [unit](std::int64_t value) { return value >= 0 ? value / unit : -((-value + unit - 1) / unit); };
  const std::int64_t left = floor_divide(x), top = floor_divide(y);
  const std::int64_t skip_x = std::max<std::int64_t>(0, -left), skip_y = std::max<std::int64_t>(0, -top);
  const std::int64_t wide = std::min(left + from.size(-1), width) - std::max<std::int64_t>(0, left);
  const std::int64_t high = std::min(top + from.size(-2), height) - std::max<std::int64_t>(0, top);
  at::Tensor result = destination.clone();
  if (wide <= 0 || high <= 0) return result;

  const auto visible = [&](const at::Tensor& t) { return t.narrow(-1, skip_x, wide).narrow(-2, skip_y, high); };
  at::Tensor target = result.narrow(-1, std::max<std::int64_t>(0, left), wide).narrow(-2, std::max<std::int64_t>(0, top), high);
  if (!mask) {
    target.copy_(visible(from));
    return result;
  }
  at::Tensor weight = common_upscale(mask->unsqueeze(1), from.size(-1), from.size(-2), "bilinear", "disabled");
  weight = visible(repeat_to_batch(weight, from.size(0)));
  if (from.dim() == 5) weight = weight.unsqueeze(2);
  target.copy_(weight * visible(from) + (1 - weight) * target);
  return result;
}

}  // namespace darkroom
