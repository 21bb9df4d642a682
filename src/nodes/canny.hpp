#pragma once
// Canny's edge detector with kornia's conventions.

#include <ATen/core/Tensor.h>

namespace darkroom {

/// Edges of [B,C,H,W] (C 1 or 3) as 0 and 1 in [B,1,H,W]: grey, Gaussian of 5 x 5 and sigma 1 (mirrored edges), plain Sobel
/// (edges repeated), thinning along the gradient in steps of 45 degrees, hysteresis over 8 neighbours. Thresholds are in units
/// of the Sobel magnitude and strict. Source: J. Canny, "A Computational Approach to Edge Detection" (1986); kornia.filters.canny.
/// Throws InvalidInput unless 0 < low <= high.
at::Tensor canny(const at::Tensor& image, double low, double high);

}  // namespace darkroom
