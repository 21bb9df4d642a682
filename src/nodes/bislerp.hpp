#pragma once
// Spherical resizing of latents.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

/// Resizes [B,C,H,W] first along the width, then along the height. The vectors over the channels of the two nearest pixels
/// (half-pixel centres, as bilinear) are mixed on the sphere, their lengths linearly: keeps the spread of a latent where
/// bilinear would flatten it. Nearly equal directions give the first pixel, nearly opposite ones a linear mix.
at::Tensor bislerp(const at::Tensor& samples, std::int64_t width, std::int64_t height);

}  // namespace darkroom
