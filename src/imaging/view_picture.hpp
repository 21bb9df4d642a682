#pragma once
// What the gateway shows of a picture without ever decoding one itself: re-encoded previews, single channels, a mask laid
// over its picture. Runs in the short-lived program darkroom-picture (DESIGN §9).

#include <string>
#include <string_view>

#include "imaging/decode.hpp"

namespace darkroom::imaging {

struct PreviewOptions {
  bool jpeg = false;     ///< else WebP
  int quality = 90;      ///< 1 to 100
  bool drop_alpha = false;
};

/// Re-encodes the first frame of a picture at its own size, turned upright; JPEG has no alpha.
/// Throws InvalidInput for what is no picture, TooLarge past the limits.
std::string preview(std::string_view bytes, const PreviewOptions& options, const DecodeLimits& limits = {});

/// PNG of the colours alone, without texts (`channel=rgb`).
std::string colours_png(std::string_view bytes, const DecodeLimits& limits = {});

/// PNG, black with the alpha of the picture, 255 where it has none (`channel=a`).
std::string alpha_png(std::string_view bytes, const DecodeLimits& limits = {});

/// PNG of `original` with the alpha of `mask` (opaque where that has none); the texts of a PNG original are kept.
/// Throws InvalidInput when the sizes differ.
std::string merge_mask(std::string_view original, std::string_view mask, const DecodeLimits& limits = {});

/// PPM (P6) of the colours, made smaller until both sides are at most `side` pixels: for terminals.
std::string small_ppm(std::string_view bytes, int side, const DecodeLimits& limits = {});

}  // namespace darkroom::imaging
