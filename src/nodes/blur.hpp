#pragma once
// Gaussian blur and sharpening.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

/// Blurs [B,H,W,C] with a Gaussian of 2 * radius + 1 taps a side, sampled on -1..1 whatever the radius (so `sigma` is in units
/// of the radius), mirrored at the edges. Throws InvalidInput when the radius reaches beyond the mirror image.
at::Tensor gaussian_blur(const at::Tensor& image, std::int64_t radius, double sigma);

/// Unsharp mask with the same kernel: image + 10 * alpha * (image - blurred), clamped.
at::Tensor sharpen(const at::Tensor& image, std::int64_t radius, double sigma, double alpha);

}  // namespace darkroom
