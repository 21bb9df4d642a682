#pragma once
// Normalisations: over groups of channels (Wu & He 2018) and over the channels of a token (Ba et al. 2016).

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "tensor/compute.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// GroupNorm of [B,C,H,W] in channels-last memory, with weight and bias. Statistics are float32 whatever the dtype.
class GroupNorm {
 public:
  /// Reads "weight" [C] and "bias" [C]; C must be a multiple of `groups`.
  GroupNorm(const Weights& weights, const Compute& compute, double eps, std::int64_t groups = 32);

  at::Tensor operator()(const at::Tensor& x) const { return run(x, {}, false); }
  /// SiLU of it in the same pass. `shift` [B,C] (or undefined) is added to x first: a time embedding.
  at::Tensor silu(const at::Tensor& x, const at::Tensor& shift = {}) const { return run(x, shift, true); }
  std::int64_t channels() const { return weight_.size(0); }
  std::size_t bytes() const { return weight_.nbytes() + bias_.nbytes(); }

 private:
  at::Tensor run(const at::Tensor& x, const at::Tensor& shift, bool silu) const;
  at::Tensor weight_, bias_;
  at::Tensor weight_floats_, bias_floats_;  ///< the same numbers as the own kernel takes them
  double eps_;
  std::int64_t groups_;
};

/// The own kernel behind it: float32 or bf16 in channels-last memory on processors with AVX2. Nothing where it does not fit.
/// weight, bias: float32.
std::optional<at::Tensor> fused_group_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps, std::int64_t groups, const at::Tensor& shift, bool silu);

/// LayerNorm over the last dimension, with weight and bias.
class LayerNorm {
 public:
  LayerNorm(const Weights& weights, const Compute& compute, double eps = 1e-5);
  at::Tensor operator()(const at::Tensor& x) const;
  std::size_t bytes() const { return weight_.nbytes() + bias_.nbytes(); }

 private:
  at::Tensor weight_, bias_;
  double eps_;
};

}  // namespace darkroom
