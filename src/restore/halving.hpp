#pragma once
// Layers that make one pixel of two by two, or two by two of one, as products over the pixels.

#include <ATen/core/Tensor.h>

#include "tensor/linear.hpp"

namespace darkroom {

/// Tensors are [B,C,H,W] in channels-last memory, gaps between rows and pixels allowed.

/// A 2x2 convolution with stride 2.
class Halving {
 public:
  /// `weight` [out,in,2,2], `bias` [out].
  Halving(const at::Tensor& weight, const at::Tensor& bias, const Compute& compute);
  /// H and W even -> [B,out,H/2,W/2] in the layer's dtype.
  at::Tensor operator()(const at::Tensor& x) const;
  std::size_t bytes() const { return layer_.bytes(); }

 private:
  at::ScalarType dtype_;
  Linear layer_;
};

/// The other way. Its result is added to another tensor.
class Doubling {
 public:
  /// A 1x1 convolution without bias, `weight` [4*out,in,1,1], and a pixel shuffle by 2.
  static Doubling shuffled(const at::Tensor& weight, const Compute& compute);
  /// A transposed convolution of 2x2 with stride 2, `weight` [in,out,2,2] and `bias` [out], with LeakyReLU behind it.
  static Doubling transposed(const at::Tensor& weight, const at::Tensor& bias, float slope, const Compute& compute);
  /// `sum` [B,out,2H,2W] += what it makes of x [B,in,H,W].
  void add_to(const at::Tensor& sum, const at::Tensor& x) const;
  std::size_t bytes() const { return layer_.bytes(); }

 private:
  /// The rows of `weight` are sorted by place in the enlarged pixel, then by channel.
  Doubling(const at::Tensor& weight, const at::Tensor& bias, float slope, const Compute& compute)
      : dtype_(compute.dtype), slope_(slope), layer_(weight, bias, compute) {}
  at::ScalarType dtype_;
  float slope_;  ///< of negative values; 1: nothing is behind it
  Linear layer_;
};

}  // namespace darkroom
