#pragma once
// Windows bitmaps, which libvips leaves to a library that is not meant for hostile files. Private to this folder.

#include <cstdint>
#include <optional>
#include <string_view>

#include "imaging/picture.hpp"

namespace darkroom::imaging {

struct BmpHeader {
  int width = 0, height = 0;
  bool top_down = false;
  int bits = 0;                      ///< 1, 4, 8, 16, 24 or 32 a pixel
  std::uint32_t masks[4] = {};       ///< red, green, blue, alpha of 16 and 32 bits
  std::size_t palette_at = 0, palette_entry = 4, palette_size = 0;
  std::size_t pixels_at = 0;
};

/// The header of a bitmap without compression; nothing when these are other bytes or another kind.
std::optional<BmpHeader> read_bmp_header(std::string_view bytes);

/// The pixels. A file that ends early leaves the rest black. The header's size was checked by the caller.
Picture read_bmp(std::string_view bytes, const BmpHeader& header);

}  // namespace darkroom::imaging
