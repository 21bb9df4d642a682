#pragma once
// The style T2I-Adapter: a picture's CLIP-vision states as a few more tokens of the text (Mou et al. 2023, as published by TencentARC).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tensor/linear.hpp"
#include "tensor/norm.hpp"

namespace darkroom {

/// Immutable; safe to call from several threads.
class StyleModel {
 public:
  /// Reads style_embedding, ln_pre, transformer_layes.* (so spelt in the files), ln_post and proj. Throws InvalidInput that says what is missing.
  StyleModel(const Weights& weights, const Compute& compute);
  /// The last states of a vision encoder, float32 [B,T,C] -> float32 [B,tokens,D].
  at::Tensor operator()(const at::Tensor& states) const;
  std::int64_t width() const { return tokens_.size(2); }
  std::size_t bytes() const;

 private:
  struct Layer {
    LayerNorm norm1, norm2;
    Linear qkv, out, wide, narrow;
  };
  Compute compute_;
  at::Tensor tokens_;  // [1,N,C], learnt: they become the answer
  LayerNorm norm_pre_, norm_post_;
  std::vector<Layer> layers_;
  Linear projection_;
};

}  // namespace darkroom
