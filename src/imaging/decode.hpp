#pragma once
// Reading pictures that somebody sent: hostile until proven otherwise.

#include <cstdint>
#include <string_view>

#include "imaging/picture.hpp"

namespace darkroom::imaging {

/// What one picture may cost. A file that asks for more is refused from its header, before its pixels are read.
struct DecodeLimits {
  std::int64_t max_pixels = 100'000'000;  ///< of all frames together
  int max_seconds = 10;
};

/// Decodes a PNG, JPEG, WebP, GIF, TIFF, AVIF/HEIC or BMP as LoadImage sees it: EXIF orientation applied, palette, grey, 16-bit
/// and CMYK turned into RGB, alpha apart, all frames of an animation. `name` is what errors call it.
/// Throws InvalidInput for what is broken or no picture, TooLarge past a limit.
Picture decode(std::string_view bytes, std::string_view name, const DecodeLimits& limits = {});

}  // namespace darkroom::imaging
