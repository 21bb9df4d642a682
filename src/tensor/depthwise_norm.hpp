#pragma once
// The layer that ConvNeXt's blocks begin with (Liu et al. 2022): a 7x7 depthwise convolution, then each pixel normalised over its channels.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "tensor/compute.hpp"

namespace darkroom {

/// The normalisation has no weight and bias: they belong into the linear layer that follows.
class DepthwiseNorm {
 public:
  /// `weight` [C,1,7,7] and `bias` [C], any floating dtype; both are copied.
  DepthwiseNorm(const at::Tensor& weight, const at::Tensor& bias, double eps, const Compute& compute);
  /// x [height * width, C], float32 -> the same in the layer's dtype.
  at::Tensor operator()(const at::Tensor& x, std::int64_t height, std::int64_t width) const;
  std::int64_t bytes() const { return static_cast<std::int64_t>(weight_.nbytes() + bias_.nbytes()); }

 private:
  at::Tensor weight_, bias_;
  double eps_;
  at::ScalarType dtype_;
  bool own_ = false;  ///< weight_ is in the form of the own kernel: see depthwise.hpp
};

}  // namespace darkroom
