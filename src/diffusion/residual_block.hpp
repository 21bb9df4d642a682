#pragma once
// The UNet's residual block: two convolutions, the time embedding added between them.

#include "tensor/convolution.hpp"
#include "tensor/norm.hpp"

#include <optional>

namespace darkroom {

class ResidualBlock {
 public:
  /// Reads in_layers, out_layers and, where the width changes, skip_connection. The time embedding's layer is the caller's.
  ResidualBlock(const Weights& weights, const Compute& compute);
  /// x [B,in,H,W], untouched; `shift` [B,out]: the time embedding, projected -> [B,out,H,W].
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& shift) const;
  std::int64_t in() const { return conv1_.in(); }
  std::int64_t out() const { return conv2_.out(); }
  std::size_t bytes() const;

 private:
  GroupNorm norm1_, norm2_;
  Convolution conv1_, conv2_;
  std::optional<Convolution> skip_;
};

}  // namespace darkroom
