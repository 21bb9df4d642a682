#pragma once
// Draws the frames of an animated PNG one over the other. Private to this folder.

#include <functional>

#include "imaging/apng_reader.hpp"
#include "imaging/picture.hpp"

namespace darkroom::imaging {

/// All frames as a viewer would show them, at the canvas's size; `decode_still` reads each frame's PNG.
Picture draw_frames(const ApngFile& file, const std::function<Picture(const std::string&)>& decode_still);

}  // namespace darkroom::imaging
