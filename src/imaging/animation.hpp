#pragma once
// Writers of animations: animated PNG and animated WebP, with the workflow inside.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace darkroom::imaging {

using Texts = std::vector<std::pair<std::string, std::string>>;

/// Frames of one size and 3 (RGB) or 4 (RGBA) channels, 8 bits, interleaved, each shown for `frame_ms`.
struct Animation {
  int width = 0, height = 0, channels = 3;
  std::vector<std::vector<std::uint8_t>> frames;
  int frame_ms = 100;
};

/// An animated PNG that repeats for ever; a plain one for a single frame. Texts follow the pixels as `comf` chunks (`key\0text`),
/// where the editor looks for them. Throws InvalidInput without frames.
std::string encode_apng(const Animation& animation, int level, const Texts& texts);

struct WebpOptions {
  bool lossless = true;
  int quality = 80;  ///< 0 to 100
  int effort = 4;    ///< 0 fastest to 6 smallest
};

/// An animated WebP that repeats for ever; a plain one for a single frame. Texts become EXIF texts `key:text`: the first as
/// Model (0x0110), the others from Make (0x010F) downwards. Throws InvalidInput for sizes that WebP can't hold (16383).
std::string encode_webp(const Animation& animation, const WebpOptions& options, const Texts& texts);

/// The EXIF block (TIFF, big-endian) of such texts; empty without any.
std::string exif_block(const Texts& texts);

}  // namespace darkroom::imaging
