#pragma once
// The linear layer that networks are written with. It owns its weights in the form that the device computes fastest with.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>

#include "tensor/compute.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// y = x W^T + b over the last dimension. Immutable once made; safe to call from several threads.
class Linear {
 public:
  /// Reads "weight" [out,in] (or [out,in,1,1]: a 1x1 convolution over tokens) and, where it is there, "bias" [out].
  Linear(const Weights& weights, const Compute& compute);
  /// The same of tensors of any floating dtype; `bias` may be undefined.
  Linear(const at::Tensor& weight, const at::Tensor& bias, const Compute& compute);

  std::int64_t in() const { return in_; }
  std::int64_t out() const { return out_; }
  std::size_t bytes() const { return bytes_; }  ///< of the packed weights

  /// [...,in] -> [...,out], both in the layer's dtype and on its device.
  at::Tensor operator()(const at::Tensor& x) const;
  /// The same added to `residual` [...,out], which nobody else needs any more: the sum may take its memory.
  at::Tensor plus(const at::Tensor& x, at::Tensor residual) const;

 private:
  at::Tensor weight_, bias_;
  std::int64_t in_ = 0, out_ = 0;
  std::size_t bytes_ = 0;
  bool packed_ = false;  ///< weight_ is oneDNN's own form
};

}  // namespace darkroom
