#pragma once
// The text encoders of model files, in whatever names they were saved with, under the names of the transformers library.

#include <optional>
#include <string>
#include <string_view>

#include "tensor/state_dict.hpp"

namespace darkroom {

/// One text encoder of a file.
struct FoundTextEncoder {
  std::int64_t width = 0, layers = 0;
  StateDict tensors;  ///< "transformer.text_model.encoder.layers.0...": views of the file's, fused projections taken apart
};

/// The text encoder below `prefix`: in the names of the transformers library (`text_model.` or without it), or of OpenCLIP.
/// Nothing when there is none. Throws InvalidInput that names the tensor when one is missing or has a wrong shape.
std::optional<FoundTextEncoder> find_text_encoder(const StateDict& file, std::string_view prefix);

}  // namespace darkroom
