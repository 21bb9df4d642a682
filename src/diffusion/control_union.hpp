#pragma once
// What a union ControlNet has beyond a ControlNet: one network for several kinds of hints (xinsir, ControlNet++ 2024). A transformer over
// the hint's summary and its kind says how the embedded hint is shifted before it joins the latent; a hint of no kind joins it as it is.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "diffusion/text_keys.hpp"
#include "tensor/linear.hpp"
#include "tensor/norm.hpp"

namespace darkroom {

class UnionFuser {
 public:
  /// Reads task_embedding, transformer_layes.0 (so spelt in the published files), spatial_ch_projs and control_add_embedding.
  UnionFuser(const Weights& weights, const Compute& compute);
  /// Has the file such layers?
  static bool is_in(const Weights& weights) { return weights.has("task_embedding"); }

  /// What is added to the time embedding: [1,embedding]. `type`: kind of the hint, or nothing.
  const at::Tensor& embedding(std::optional<std::int64_t> type) const { return embeddings_[static_cast<std::size_t>(type.value_or(types()))]; }
  /// The embedded hint [b,C,h,w] as it joins the latent, being a picture of this kind.
  at::Tensor fused(const at::Tensor& hint, std::int64_t type) const;
  std::int64_t types() const { return task_embedding_.size(0); }
  std::size_t bytes() const;

 private:
  at::Tensor transformer(at::Tensor tokens) const;

  at::Tensor task_embedding_;  // [types,C]
  std::vector<at::Tensor> embeddings_;  // of each kind, and of none
  LayerNorm norm1_, norm2_;
  Linear qkv_, out_, wide_, narrow_, shift_;
};

}  // namespace darkroom
