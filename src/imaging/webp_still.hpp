#pragma once
// One picture as lossy WebP.

#include <cstdint>
#include <string>

namespace darkroom::imaging {

/// `pixels`: 8 bits, height x width x `channels` (3 or 4: RGB, RGBA). `quality` 1 to 100, `effort` 0 to 6. Throws InvalidInput over
/// 16,383 pixels a side. (libvips' writer cannot be told of the format's limit of 512 KB for what is said of all blocks, which
/// pictures of many megapixels pass.)
std::string encode_webp_still(const std::uint8_t* pixels, int width, int height, int channels, int quality, int effort);

}  // namespace darkroom::imaging
