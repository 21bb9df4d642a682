#pragma once
// CLIP: the text encoders of a model with the rules by which its family uses them. From a prompt to conditioning.

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "diffusion/clip_chunks.hpp"
#include "diffusion/conditioning.hpp"
#include "diffusion/embedding.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

struct ClipHooks;  // diffusion/hooks.hpp

/// Which text encoders there are: SD1.x has CLIP-L, SD2.x OpenCLIP-H, SDXL L and OpenCLIP-G, its refiner G alone.
enum class TextFamily { kSd1, kSd2, kSdxl, kSdxlRefiner };

/// What encoding a prompt needs of the world around it.
struct PromptContext {
  FindEmbedding find_embedding;  ///< none: every embedding is missing
  std::function<void()> check;   ///< called at each layer and batch of chunks; throws to interrupt
};

/// Immutable; copies and variants share the mapped file. Weights are views of it, rounded to fp16 and converted to fp32 layer by
/// layer while a prompt is encoded, so that nothing is held twice.
class Clip {
 public:
  /// `weights`: both encoders' under the names that patches use, see weights(). `stop_at` as in with_skip(), 0: the family's own.
  Clip(TextFamily family, Weights weights, at::Device device = at::kCPU, int stop_at = 0);

  TextFamily family() const { return family_; }
  /// All weights, patched, in the names of the transformers library below the encoder's: `clip_l.transformer.text_model.encoder.
  /// layers.5.self_attn.v_proj.weight`; also `clip_g.` and `clip_h.`, whatever form the file has (the fused projections of
  /// OpenCLIP are seen as q_proj, k_proj and v_proj, its text_projection as that of a linear layer).
  const Weights& weights() const { return weights_; }
  /// The names of weights(), sorted.
  std::vector<std::string> weight_names() const;

  /// Stops at layer `stop_at` from the end: -1 the last, -2 the one before (CLIPSetLastLayer). An encoder with fewer layers stops
  /// where its family does.
  std::shared_ptr<const Clip> with_skip(int stop_at) const;
  /// The same with `patch` applied after those that are there already; what it gives is rounded to fp16.
  std::shared_ptr<const Clip> with_patches(Weights::Patch patch) const;
  /// The same with hooks that nodes encode with (encode_hooked, instead of those that were there); null: without.
  std::shared_ptr<const Clip> with_hooks(std::shared_ptr<const ClipHooks> hooks) const;
  const ClipHooks* hooks() const { return hooks_.get(); }

  /// The text as conditioning: `text` float32 [1,77*n,D] and `pooled` [1,P] on the CPU. Weights, embeddings and long prompts as in
  /// the reference. Throws InvalidInput for a prompt that cannot be read.
  Cond encode(std::string_view prompt, const PromptContext& context) const;
  /// SDXL: a text for each encoder; the shorter is filled up with the empty prompt. Throws InvalidInput for another family.
  Cond encode(std::string_view text_g, std::string_view text_l, const PromptContext& context) const;

  /// The prompt's chunks for each encoder: "l", "g" or "h".
  using Tokens = std::map<std::string, std::vector<Chunk>, std::less<>>;
  Tokens tokenize(std::string_view prompt, const PromptContext& context) const;
  /// What encode() makes of such chunks; SDXL: the shorter list is filled up. Throws InvalidInput for other encoders than this family's, and
  /// for a chunk that hasn't kChunkTokens tokens.
  Cond encode(Tokens tokens, const PromptContext& context) const;

  /// The prompt's pooled vector before any projection, float32 [1,P]; SDXL: of its G.
  at::Tensor pooled(std::string_view prompt, const PromptContext& context) const;

  /// Bytes of the mapped weights.
  std::size_t bytes() const;

 private:
  struct Encoded;
  Encoded encode_with(std::string_view encoder, const std::vector<Chunk>& chunks, const PromptContext& context) const;
  Cond joined(const std::vector<Chunk>& chunks_g, const std::vector<Chunk>& chunks_l, const PromptContext& context) const;

  TextFamily family_;
  Weights weights_;
  at::Device device_;
  int stop_at_;
  std::shared_ptr<const ClipHooks> hooks_;
};

/// The text encoders of a checkpoint, recognised by names and shapes; null when there is none.
/// Throws InvalidInput when there is one of which tensors are missing or misshapen.
std::shared_ptr<const Clip> load_checkpoint_clip(std::shared_ptr<const StateDict> checkpoint, at::Device device = at::kCPU);

/// Text encoders of files of their own (CLIPLoader, DualCLIPLoader), in any order: L, H or G alone, or L and G.
/// Throws InvalidInput that names what was found.
std::shared_ptr<const Clip> load_clip(const std::vector<std::shared_ptr<const StateDict>>& files, at::Device device = at::kCPU);

}  // namespace darkroom
