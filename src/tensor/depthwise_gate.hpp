#pragma once
// The layer in the middle of NAFNet's blocks (Chen et al. 2022): a 3x3 depthwise convolution, then one half of its channels times the
// other.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "tensor/compute.hpp"

namespace darkroom {

class DepthwiseGate {
 public:
  /// `weight` [2C,1,3,3] and `bias` [2C], any floating dtype; both are copied. Zeros are around the picture.
  DepthwiseGate(const at::Tensor& weight, const at::Tensor& bias, const Compute& compute);

  struct Result {
    at::Tensor tokens;  ///< [height * width, C] in the layer's dtype
    at::Tensor mean;    ///< float32 [1, C], of the tokens
  };
  /// x [height * width, 2C] in the layer's dtype.
  Result operator()(const at::Tensor& x, std::int64_t height, std::int64_t width) const;
  std::int64_t bytes() const { return static_cast<std::int64_t>(weight_.nbytes() + bias_.nbytes()); }

 private:
  at::Tensor weight_, bias_;
  at::ScalarType dtype_;
  bool own_ = false;  ///< weight_ is in the form of the own kernel: see gated_depthwise.hpp
};

}  // namespace darkroom
