#pragma once
// CLIP_VISION, CLIP_VISION_OUTPUT and STYLE_MODEL as nodes hand them on.

#include "diffusion/clip_vision.hpp"
#include "diffusion/style_model.hpp"
#include "nodes/diffusion_values.hpp"
#include "tensor/packed.hpp"

namespace darkroom {

using ClipVisionValue = Held<ClipVision>;
using EncodedPictureValue = Held<EncodedPicture>;
using StyleModelValue = Held<Packed<StyleModel>>;

}  // namespace darkroom
