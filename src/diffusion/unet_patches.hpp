#pragma once
// Where model-patch nodes reach into a UNet. Every list is empty in a plain run and costs nothing then.
//
// Who gets a tensor may read it during the call; who keeps it clones it, since the network goes on in the same memory. What is given
// back may have another height, width or number of tokens only where that is said. Tensors have the network's dtype and device.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace darkroom {

struct UNetCall;

enum class UNetPart { kInput, kMiddle, kOutput };

/// A block of the network, and one of its transformer blocks where that is meant.
struct UNetPlace {
  UNetPart part = UNetPart::kInput;
  std::int64_t block = 0;        ///< within input_blocks or output_blocks; 0 in the middle
  std::int64_t transformer = 0;  ///< within the block's spatial transformer
  std::int64_t number = 0;       ///< of the transformer block, counted through the whole network: input, middle, output
  std::int64_t height = 0, width = 0;  ///< of the block's image; tokens are its pixels row by row
  std::int64_t heads = 0;
  const UNetCall* call = nullptr;  ///< what the network was called with: latent size, timesteps, lists
};

/// What an attention layer projects to queries, keys and values: normalised tokens [B,T,C]; in attn2 keys and values are the text [B,Tk,D].
struct AttentionSources {
  at::Tensor queries, keys, values;
};

struct UNetPatches {
  using OnImage = std::function<at::Tensor(const at::Tensor& h, const UNetPlace& place)>;
  using OnTokens = std::function<at::Tensor(const at::Tensor& tokens, const UNetPlace& place)>;
  using OnSources = std::function<void(AttentionSources& sources, const UNetPlace& place)>;
  using OnSkip = std::function<void(at::Tensor& h, at::Tensor& skip, const UNetPlace& place)>;
  /// Projected queries, keys and values [B,T,C] in, the heads' joined outputs [B,Tq,C] out (before the output projection); an undefined
  /// tensor: not here, compute as always.
  using Attention = std::function<at::Tensor(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const UNetPlace& place)>;

  /// After each block of all three parts; in the input part before its result is stored as a skip. May change height and width.
  std::vector<OnImage> after_block;
  /// Input part: after the skip was stored, so that it changes only what goes on. May change height and width.
  std::vector<OnImage> after_skip;
  /// Output part: before h and skip [B,C,H,W] are joined, what a ControlNet gives already added to the skip. Both must leave with one size.
  std::vector<OnSkip> before_output;

  /// Before the projections. `queries` may get fewer tokens if attn1_output makes up for it.
  std::vector<OnSources> attn1_input, attn2_input;
  /// Instead of softmax(q k^T) v; the first one that gives a tensor counts.
  std::vector<Attention> attn1_replace, attn2_replace;
  /// After the output projection, before the residual sum.
  std::vector<OnTokens> attn1_output, attn2_output;
  /// The token stream [B,T,C] between the two attentions: what is given is what goes on (GLIGEN).
  std::vector<OnTokens> between_attentions;
};

}  // namespace darkroom
