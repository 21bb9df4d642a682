#pragma once
// The transformer of CLIP's text encoders. Source: Radford et al. 2021; the width of a head is 64 in all of them.

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "diffusion/clip_chunks.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// How an encoder differs from the others beyond its widths.
struct TextEncoderRules {
  bool quick_gelu;       ///< CLIP-L: x * sigmoid(1.702 x); else the exact GELU
  int padding;           ///< id that fills up behind tokens that were left out
};

struct EncodedText {
  at::Tensor hidden;  ///< float32 [N,77,D]
  at::Tensor pooled;  ///< float32 [1,D]: the first chunk's at its first end mark, projected where there is a projection; undefined if not asked for
};

/// What of the transformer is wanted.
struct TextLayer {
  std::int64_t index;   ///< hidden states behind this layer, from 0
  bool normed;          ///< through the final norm
  bool pooled = true;   ///< costs the layers behind `index`
  bool projected = true;  ///< the pooled vector, where the encoder has a projection
};

/// Layers of the encoder whose weights lie below `weights` ("clip_l.transformer."), counted.
std::int64_t count_text_layers(const Weights& weights);

/// Encodes chunks of tokens. Weights are taken and converted to float32 one layer at a time; vectors of another width than the encoder's
/// are left out with a warning, what follows moves up. `check` is called several times a second.
EncodedText encode_text(const Weights& weights, const TextEncoderRules& rules, const std::vector<Chunk>& chunks, const TextLayer& layer,
                        at::Device device, const std::function<void()>& check);

}  // namespace darkroom
