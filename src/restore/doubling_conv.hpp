#pragma once
// The transposed convolution that waifu2x enlarges with, as an ordinary one.

#include <ATen/core/Tensor.h>

#include "tensor/conv.hpp"

namespace darkroom {

constexpr std::int64_t kDoublingSide = 4;

/// A transposed convolution of 4x4, stride 2 and padding 3, `weight` [in,out,4,4] and `bias` [out] as torch has them: each of an enlarged
/// pixel's four places is two by two of its inputs, so that a 3x3 convolution to four times the channels gives the same, once its result is
/// pixel-shuffled by 2. Row y of that result's picture is what the transposed one has at 2 (y - 1) and 2 (y - 1) + 1.
Conv2d doubling_conv(const at::Tensor& weight, const at::Tensor& bias, const Compute& compute);

}  // namespace darkroom
