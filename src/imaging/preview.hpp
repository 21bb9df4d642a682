#pragma once
// Pictures shown while a node works (protocol.md §4.7).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace darkroom::imaging {

/// Encodes an RGB picture (8 bits, interleaved) as "JPEG" (quality 95) or "PNG" (fast). With `max_size` it is first fitted
/// into a square of that side, bilinear, keeping the ratio; a smaller one is enlarged. Throws InvalidInput for another format.
std::string encode_preview(const std::uint8_t* rgb, int width, int height, std::string_view format, std::optional<int> max_size);

/// A JPEG of an RGB picture with chroma at half resolution.
std::string encode_jpeg(const std::uint8_t* rgb, int width, int height, int quality);

}  // namespace darkroom::imaging
