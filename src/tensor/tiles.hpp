#pragma once
// How a picture that is too large for a network is cut into tiles and put together again, as ComfyUI 0.8.0 does it.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace darkroom {

/// One tile along one axis.
struct TileSpan {
  std::int64_t start, length;
  bool operator==(const TileSpan&) const = default;
};

/// Starts 0, tile-overlap, ... while below size-overlap; the last is shorter. One span when the axis fits a tile.
/// `overlap` must be less than `tile`.
std::vector<TileSpan> tile_spans(std::int64_t size, std::int64_t tile, std::int64_t overlap);

/// float32 [length]: weights along one axis of a tile, ramps (t+1)/feather on both ends; ones where they don't fit.
at::Tensor tile_ramp(std::int64_t length, std::int64_t feather);

}  // namespace darkroom
