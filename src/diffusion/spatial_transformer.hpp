#pragma once
// The UNet's transformer over the pixels of a block: self-attention, attention to the text, feed-forward.

#include <utility>
#include <vector>

#include "diffusion/unet_patches.hpp"
#include "tensor/feed_forward.hpp"
#include "tensor/linear.hpp"
#include "tensor/norm.hpp"

namespace darkroom {

/// Keys and values [B,T,C] of a text, made once a text and layer.
using TextKeys = std::pair<at::Tensor, at::Tensor>;

class TransformerBlock {
 public:
  TransformerBlock(const Weights& weights, const Compute& compute);
  /// `tokens` [B,T,C] is overwritten. `context` [B,Tk,D] is read only where a patch asks for it; `keys` are those of it.
  at::Tensor operator()(at::Tensor tokens, const at::Tensor& context, const TextKeys& keys, const UNetPatches* patches, const UNetPlace& place) const;
  TextKeys keys_of(const at::Tensor& context) const;
  std::int64_t width() const { return q1_.in(); }
  std::int64_t context_width() const { return k2_.in(); }
  std::size_t bytes() const;

 private:
  at::Tensor self_attention(at::Tensor tokens, const UNetPatches* patches, const UNetPlace& place) const;
  at::Tensor text_attention(at::Tensor tokens, const at::Tensor& context, const TextKeys& keys, const UNetPatches* patches, const UNetPlace& place) const;

  LayerNorm norm1_, norm2_, norm3_;
  Linear q1_, k1_, v1_, out1_, q2_, k2_, v2_, out2_;
  GegluFeedForward feed_forward_;
};

class SpatialTransformer {
 public:
  /// Reads norm, proj_in, transformer_blocks.* and proj_out; the projections may be 1x1 convolutions or linear layers.
  SpatialTransformer(const Weights& weights, const Compute& compute);
  /// x [B,C,H,W] is overwritten. `keys`: of this transformer's blocks, from the first on. `place`: of the first block.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& context, const TextKeys* keys, const UNetPatches* patches, UNetPlace place) const;
  const std::vector<TransformerBlock>& blocks() const { return blocks_; }
  std::int64_t width() const { return proj_in_.in(); }
  std::size_t bytes() const;

 private:
  GroupNorm norm_;
  Linear proj_in_, proj_out_;
  std::vector<TransformerBlock> blocks_;
};

}  // namespace darkroom
