#pragma once
// A convolution as matrix products over its unfolded input, for float32 on the CPU where Winograd's form would take too much memory
// or does not exist (stride 2, few channels). Weights stay a plain matrix: oneDNN's packed form depends on the picture's size, and
// where it does not fit oneDNN reorders the weights in every call, for a third of a whole step of SD1.5 (see convolution.cpp).

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

/// `weight` [out,in,k,k] as the matrix [out, k * k * in] that unfolded_conv takes.
at::Tensor unfold_weight(const at::Tensor& weight);

struct UnfoldedShape {
  std::int64_t kernel, stride;
  std::int64_t before, after;  ///< rows and columns of zeros above and left, below and right
};

/// x [B,in,H,W] in channels-last memory, float32 -> [B,out,H',W'] in channels-last memory. `bias` and `residual` (of the output's
/// shape) may be undefined.
at::Tensor unfolded_conv(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias, const UnfoldedShape& shape, const at::Tensor& residual);

}  // namespace darkroom
