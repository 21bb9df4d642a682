#pragma once
// What a PNG's header says of its colours, which libvips does not tell: a transparent colour looks like an alpha channel to it.

#include <cstdint>
#include <string_view>

namespace darkroom::imaging {

struct PngFacts {
  bool is_png = false;
  int color_type = 0;  ///< 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA

  /// Does LoadImage make a mask of it? A single transparent colour of a grey or RGB picture doesn't count.
  bool has_alpha() const { return color_type >= 3; }
};

inline PngFacts png_facts(std::string_view bytes) {
  constexpr std::size_t kColorTypeAt = 25;
  if (bytes.size() <= kColorTypeAt || !bytes.starts_with("\x89PNG\r\n\x1a\n")) return {};
  return {true, static_cast<std::uint8_t>(bytes[kColorTypeAt])};
}

}  // namespace darkroom::imaging
