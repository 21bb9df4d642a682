#pragma once
// Reducing a picture to few colours as Pillow does: median cut for the palette, then mapping with or without dither.
// ImageQuantize is defined by these numbers to the last bit.

#include <cstdint>
#include <vector>

namespace darkroom::imaging {

struct Color {
  std::uint8_t r = 0, g = 0, b = 0;
  auto operator<=>(const Color&) const = default;
};
using Palette = std::vector<Color>;

/// Median cut (Heckbert 1982): splits the box with most pixels along its widest axis, weighted by luminance, at the median.
/// `colors` 1 to 256; fewer come back when the picture has fewer. `rgb` is interleaved.
Palette median_cut(const std::uint8_t* rgb, std::size_t pixels, int colors);

/// Replaces each pixel by a palette colour: the nearest one to the pixel with its two low bits cleared, as Pillow's cache has it.
void map_to_palette(std::uint8_t* rgb, std::size_t pixels, const Palette& palette);

/// The same with error diffusion (Floyd and Steinberg 1976), left to right, in whole sixteenths.
void map_with_diffusion(std::uint8_t* rgb, int width, int height, const Palette& palette);

/// Adds an ordered threshold matrix of `order` x `order` (a power of two), whose values spread over 512 / palette size, then maps.
void map_with_bayer(std::uint8_t* rgb, int width, int height, const Palette& palette, int order);

}  // namespace darkroom::imaging
