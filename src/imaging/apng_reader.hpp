#pragma once
// Animated PNGs, which libvips reads as their first picture. Private to this folder.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace darkroom::imaging {

/// One picture of the file as a PNG of its own, and where and how it goes onto the canvas (fcTL).
struct ApngFrame {
  std::uint32_t x = 0, y = 0, width = 0, height = 0;
  std::uint8_t dispose = 0;  ///< 0 leave, 1 clear, 2 restore what was before
  bool blend_over = false;   ///< else replace
  std::string png;
};

struct ApngFile {
  std::uint32_t width = 0, height = 0;
  std::vector<ApngFrame> frames;  ///< empty: no animation
};

/// Splits an animated PNG; a file without `acTL` gives no frames. At most `max_frames` are taken apart.
/// Chunk lengths are checked; what is inside the pictures is the decoder's business. Throws InvalidInput for a frame off the canvas.
ApngFile split_apng(std::string_view bytes, std::size_t max_frames);

}  // namespace darkroom::imaging
