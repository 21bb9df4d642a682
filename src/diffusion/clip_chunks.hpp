#pragma once
// Prompts cut into what a CLIP text encoder takes at once: 77 tokens, each with its weight.

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <vector>

#include "diffusion/embedding.hpp"

namespace darkroom {

constexpr std::size_t kChunkTokens = 77;

struct PromptToken {
  int id = 0;              ///< of the vocabulary, where there is no vector
  double weight = 1;
  at::Tensor vector = {};  ///< float32 [D]: stands for the token's embedding (textual inversion)
};

/// Start mark, at most 75 tokens, end mark, then padding.
using Chunk = std::vector<PromptToken>;

/// What an encoder's chunks depend on.
struct ChunkRules {
  std::string encoder;  ///< "clip_l", "clip_h" or "clip_g"
  int padding;          ///< id behind the end mark
};

/// At least one chunk; all have kChunkTokens tokens. A weighted piece or an embedding of fewer than 8 tokens is not torn between chunks.
/// Missing and broken embeddings are left out with a warning in the log; whether a vector has the encoder's width is not looked at. Throws InvalidInput for "embedding:" without a name.
std::vector<Chunk> prompt_chunks(std::string_view prompt, const ChunkRules& rules, const FindEmbedding& find);

}  // namespace darkroom
