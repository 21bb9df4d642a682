#pragma once
// The transformer's feed-forward layer with GEGLU (Shazeer 2020): out((x W1) * gelu(x W2)).

#include <cstddef>

#include "tensor/linear.hpp"

namespace darkroom {

class GegluFeedForward {
 public:
  /// Reads "net.0.proj.*" [2*inner,C] (values first, gates second) and "net.2.*" [C,inner].
  GegluFeedForward(const Weights& weights, const Compute& compute);
  /// feed_forward(x) + residual; x and residual [B,T,C]. `residual` may be overwritten.
  at::Tensor plus(const at::Tensor& x, at::Tensor residual) const;
  std::size_t bytes() const { return in_.bytes() + out_.bytes(); }

 private:
  Linear in_, out_;
};

}  // namespace darkroom
