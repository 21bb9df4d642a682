#pragma once
// Resizing of 8-bit pictures as Pillow does it: separable, antialiased, in fixed point. The "lanczos" of image nodes and the
// fitting of previews are defined by these numbers, so no other library's filters will do.

#include <cstdint>
#include <vector>

namespace darkroom::imaging {

enum class Filter { kBilinear, kBicubic, kLanczos };

/// Resizes an interleaved picture of `channels` (1 to 4) from `width` x `height` to `new_width` x `new_height`.
/// Rows first, then columns (the other way round when the height shrinks much more than the width); coefficients have 22 fractional bits and every pass rounds and clips to 8 bits.
/// With 4 channels the fourth is alpha and colours are weighted by it. Throws InvalidInput for an empty size.
std::vector<std::uint8_t> resample(const std::uint8_t* pixels, int width, int height, int channels, int new_width, int new_height,
                                   Filter filter);

}  // namespace darkroom::imaging
