#pragma once
// The names under which checkpoints keep their text encoders: the way back from those of the transformers library (clip_weights.hpp).

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "diffusion/clip.hpp"

namespace darkroom {

/// One tensor of a file, made when it is asked for.
struct NamedTensor {
  std::string name;
  at::ScalarType dtype;
  std::vector<std::int64_t> shape;
  std::function<at::Tensor()> make;
};

/// All weights of `clip`, patched and in the float16 that they are held in, as a checkpoint of its family has them: CLIP-L in the names of the transformers library, H and G in OpenCLIP's,
/// whose queries, keys and values are one matrix. What other programs' loaders want beside the weights (`logit_scale`, `position_ids`) is there too.
std::vector<NamedTensor> checkpoint_text_encoders(const std::shared_ptr<const Clip>& clip);

/// The weights of one encoder, "clip_l", in the names of the transformers library.
std::vector<NamedTensor> text_encoder_alone(const std::shared_ptr<const Clip>& clip, const std::string& encoder);

/// "clip_l", "clip_g": those that `clip` has, in this order.
std::vector<std::string> text_encoders_of(const Clip& clip);

}  // namespace darkroom
