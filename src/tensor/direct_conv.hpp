#pragma once
// oneDNN's 3x3 convolution with weights packed once and the activation computed while the result is written: for bf16 (AMX,
// AVX-512), for networks whose channels don't fill registers, and for processors that the own kernel isn't written for.

#include "tensor/conv.hpp"

namespace darkroom {

class DirectConv {
 public:
  DirectConv(const at::Tensor& weight, const at::Tensor& bias, Activation activation, const Compute& compute);
  /// [B,in,H,W] of any layout -> [B,out,H,W] in channels-last memory.
  at::Tensor run(const at::Tensor& x) const;
  std::int64_t bytes() const { return bytes_; }

 private:
  at::Tensor weight_, bias_;
  Activation activation_;
  bool packed_ = false;  ///< weight_ is oneDNN's own form
  std::int64_t bytes_ = 0;
};

}  // namespace darkroom
