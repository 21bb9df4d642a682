#pragma once
// Blend modes of two pictures.

#include <ATen/core/Tensor.h>

#include <string_view>

namespace darkroom {

/// clamp(a * (1 - factor) + mode(a, b) * factor), elementwise on images of one shape (batches may be 1).
/// Modes: "normal", "multiply", "screen", "overlay", "soft_light" (W3C compositing, with the threshold on b), "difference" (a - b).
/// Throws InvalidInput for another mode.
at::Tensor blend(const at::Tensor& a, const at::Tensor& b, double factor, std::string_view mode);

}  // namespace darkroom
