#pragma once
// CLIP_VISION, CLIP_VISION_OUTPUT and STYLE_MODEL as nodes hand them on.

#include <filesystem>
#include <memory>

#include "diffusion/clip_vision.hpp"
#include "diffusion/style_model.hpp"
#include "nodes/diffusion_values.hpp"

namespace darkroom {

using ClipVisionValue = Held<ClipVision>;
using EncodedPictureValue = Held<EncodedPicture>;
using StyleModelValue = Held<StyleModel>;

/// The vision encoder of a file. Throws InvalidInput that begins with the file's name when it holds none.
std::shared_ptr<const ClipVision> open_clip_vision(const std::filesystem::path& file);

}  // namespace darkroom
