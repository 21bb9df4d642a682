#include "nodes/stitch.hpp"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <vector>

#include "base/error.hpp"
#include "nodes/image_size.hpp"
#include "nodes/limits.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kHeight = 1, kWidth = 2;  // axes

at::Tensor with_batch(const at::Tensor& image, std::int64_t batch) {
  if (image.size(0) == batch) return image;
  return concat({image, image.narrow(0, image.size(0) - 1, 1).repeat({batch - image.size(0), 1, 1, 1})});
}

/// `value` around the picture until `axis` has `size`; the odd one goes after it.
at::Tensor centred(const at::Tensor& image, std::int64_t axis, std::int64_t size, double value) {
  const std::int64_t missing = size - image.size(axis), before = missing / 2, after = missing - before;
  if (missing == 0) return image;
  return axis == kHeight ? at::constant_pad_nd(image, {0, 0, 0, 0, before, after}, value) : at::constant_pad_nd(image, {0, 0, before, after}, value);
}

at::Tensor bar(const at::Tensor& beside, std::int64_t axis, std::int64_t width, std::string_view color) {
  std::array<double, 3> rgb{1, 1, 1};
  if (color == "black") rgb = {0, 0, 0};
  if (color == "red") rgb = {1, 0, 0};
  if (color == "green") rgb = {0, 1, 0};
  if (color == "blue") rgb = {0, 0, 1};
  std::vector<std::int64_t> shape(beside.sizes().begin(), beside.sizes().end());
  shape[static_cast<std::size_t>(axis)] = width;
  at::Tensor out = at::ones(shape, at::kFloat);  // alpha stays opaque
  for (std::int64_t c = 0; c < std::min<std::int64_t>(3, out.size(3)); ++c) out.select(3, c).fill_(rgb[static_cast<std::size_t>(c)]);
  return out;
}

/// The second picture at the first one's height (beside it) or width (above or below).
at::Tensor matched(const at::Tensor& first, const at::Tensor& second, bool beside) {
  const auto ratio = static_cast<double>(second.size(kWidth)) / static_cast<double>(second.size(kHeight));
  const std::int64_t height = beside ? first.size(kHeight) : static_cast<std::int64_t>(static_cast<double>(first.size(kWidth)) / ratio);
  const std::int64_t width = beside ? static_cast<std::int64_t>(static_cast<double>(first.size(kHeight)) * ratio) : first.size(kWidth);
  return resize_image(second, width, height, "lanczos", "disabled");
}

}  // namespace

at::Tensor stitch(at::Tensor first, at::Tensor second, const StitchOptions& options) {
  const bool beside = options.direction == "left" || options.direction == "right";
  if (!beside && options.direction != "up" && options.direction != "down") throw InvalidInput("direction: unknown '" + std::string(options.direction) + "'");
  const std::int64_t batch = std::max(first.size(0), second.size(0));
  first = with_batch(first, batch);
  second = with_batch(second, batch);
  if (options.match_size) second = matched(first, second, beside);
  const std::int64_t common = beside ? kHeight : kWidth, along = beside ? kWidth : kHeight;
  const std::int64_t size = std::max(first.size(common), second.size(common));
  const std::int64_t spacing = options.spacing + options.spacing % 2;
  check_tensor_size("stitch", {batch, size, first.size(along) + second.size(along) + spacing, std::max(first.size(3), second.size(3))});
  const double padding = options.spacing_color == "white" ? 1.0 : 0.0;
  first = centred(first, common, size, padding);
  second = centred(second, common, size, padding);
  std::tie(first, second) = match_channels(first, second);  // after padding: that of an RGB picture becomes opaque

  const bool second_leads = options.direction == "left" || options.direction == "up";
  std::vector<at::Tensor> parts{second_leads ? second : first};
  if (spacing > 0) parts.push_back(bar(first, along, spacing, options.spacing_color));
  parts.push_back(second_leads ? first : second);
  return concat(parts, along);
}

}  // namespace darkroom
