#pragma once
// Reading pictures that somebody sent: hostile until proven otherwise.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "imaging/picture.hpp"

namespace darkroom::imaging {

/// What one picture may cost. A file that asks for more is refused from its header, before its pixels are read.
struct DecodeLimits {
  /// Limit: pixels of a picture, its frames together. Beyond: refused from its header. Fixed: the design's 100 megapixels. Edge:
  /// Decode.RefusesTooManyPixelsFromTheHeader.
  std::int64_t max_pixels = 100'000'000;
  /// Limit: time to decode a picture, s. Beyond: it is given up. Fixed: the design's 10 s. Edge: Decode.GivesUpAtItsTime.
  int max_seconds = 10;
  /// Limit: frames of an animated PNG that are read. Beyond: the others are left out. Fixed: far more than people send. Edge:
  /// Decode.AnimationsAreCut.
  std::size_t max_frames = 10'000;
};

/// Decodes a PNG, JPEG, WebP, GIF, TIFF, AVIF/HEIC or BMP as LoadImage sees it: EXIF orientation applied, palette, grey, 16-bit
/// and CMYK turned into RGB, alpha apart, all frames of an animation. `name` is what errors call it.
/// Throws InvalidInput for what is broken or no picture, TooLarge past a limit.
Picture decode(std::string_view bytes, std::string_view name, const DecodeLimits& limits = {});

}  // namespace darkroom::imaging
