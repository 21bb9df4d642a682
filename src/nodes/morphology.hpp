#pragma once
// Grey morphology with a square of ones; pixels outside the picture don't count.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace darkroom {

/// `operation` on [B,C,H,W] with a square of `size`: "erode", "dilate", "open", "close", "gradient" (dilated - eroded),
/// "top_hat" (image - opened), "bottom_hat" (closed - image). The time does not depend on `size`.
/// Throws InvalidInput for another operation.
at::Tensor morphology(const at::Tensor& image, std::string_view operation, std::int64_t size);

}  // namespace darkroom
