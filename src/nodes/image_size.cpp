#include "nodes/image_size.hpp"

#include <ATen/ops/constant_pad_nd.h>

#include <cmath>

#include "base/error.hpp"
#include "nodes/resize.hpp"
#include "tensor/concat.hpp"

namespace darkroom {

at::Tensor with_channels(const at::Tensor& image, std::int64_t channels) {
  if (image.size(3) >= channels) return image.narrow(3, 0, channels);
  return at::constant_pad_nd(image, {0, channels - image.size(3)}, 1.0);
}

std::int64_t round_even(double value) { return static_cast<std::int64_t>(std::nearbyint(value)); }

at::Tensor resize_image(const at::Tensor& image, std::int64_t width, std::int64_t height, std::string_view method, std::string_view crop) {
  return common_upscale(image.movedim(-1, 1), width, height, method, crop).movedim(1, -1);
}

std::pair<at::Tensor, at::Tensor> match_channels(at::Tensor a, at::Tensor b) {
  const std::int64_t channels = std::max(a.size(3), b.size(3));
  return {with_channels(a, channels), with_channels(b, channels)};
}

at::Tensor batch_images(const std::vector<at::Tensor>& images, std::string_view method) {
  if (images.empty()) throw InvalidInput("no images to batch");
  std::int64_t channels = 0;
  for (const auto& image : images) channels = std::max(channels, image.size(3));
  const std::int64_t height = images[0].size(1), width = images[0].size(2);
  std::vector<at::Tensor> equal;
  for (const auto& image : images) {
    const at::Tensor full = with_channels(image, channels);
    const bool fits = full.size(1) == height && full.size(2) == width;
    equal.push_back(fits ? full : resize_image(full, width, height, method, "center"));
  }
  return concat(equal);
}

}  // namespace darkroom
