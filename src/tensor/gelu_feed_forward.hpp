#pragma once
// The feed-forward layer of ConvNeXt and plain transformers: narrow(gelu(wide(x))), added to a float32 sum.

#include <cstddef>
#include <functional>

#include "tensor/linear.hpp"

namespace darkroom {

class GeluFeedForward {
 public:
  /// wide [N,in] with bias [N], narrow [out,N] with bias [out]; any floating dtype.
  GeluFeedForward(const at::Tensor& wide, const at::Tensor& wide_bias, const at::Tensor& narrow, const at::Tensor& narrow_bias, const Compute& compute);
  /// x [T,in], in the layer's dtype, through both layers with the exact GELU (with erf) between; added to `sum` [T,out], float32 and contiguous.
  /// `check` is called now and then, and may throw.
  void add_to(const at::Tensor& x, const at::Tensor& sum, const std::function<void()>& check) const;
  std::size_t bytes() const { return weight_.nbytes() + bias_.nbytes() + narrow_.bytes(); }

 private:
  at::Tensor inner(const at::Tensor& x) const;

  at::Tensor weight_, bias_;
  bool packed_ = false;  ///< weight_ is oneDNN's own form
  Linear narrow_;
};

}  // namespace darkroom
