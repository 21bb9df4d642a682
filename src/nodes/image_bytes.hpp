#pragma once
// Between images in 0..1 and 8-bit pixels. Both directions are exact: v / 255 in, truncation out (golden README, Images).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace darkroom {

/// `size` bytes to float32 v / 255, of the given shape.
at::Tensor image_from_bytes(const std::uint8_t* bytes, at::IntArrayRef shape);

/// clip(255 * x, 0, 255), truncated; values in the tensor's own order. NaN becomes 0.
std::vector<std::uint8_t> image_to_bytes(const at::Tensor& image);

}  // namespace darkroom
