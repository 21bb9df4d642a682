#pragma once
// The vision encoder of a model file, in whatever names it was saved with, under the names of the transformers library.

#include <optional>

#include "tensor/state_dict.hpp"

namespace darkroom {

/// "vision_model.encoder.layers.0...", "visual_projection.weight": views of the file's tensors, fused projections taken apart. Nothing when
/// there is no vision encoder.
std::optional<StateDict> find_clip_vision(const StateDict& file);

}  // namespace darkroom
