#pragma once
// A picture of any size through a network, tile by tile, as ComfyUI 0.8.0 cuts and blends them.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "restore/upscaler.hpp"
#include "tensor/tiles.hpp"

namespace darkroom {

constexpr std::int64_t kTile = 512, kTileOverlap = 32, kSmallestTile = 128;  // input pixels

struct Tiling {
  std::int64_t tile = kTile;
  std::int64_t overlap = kTileOverlap;
};

/// Spans in input pixels.
inline std::vector<TileSpan> tile_spans(std::int64_t size, const Tiling& tiling) { return tile_spans(size, tiling.tile, tiling.overlap); }

/// `value` of `max` tiles are done, over all pictures of the batch.
using TileProgress = std::function<void(std::int64_t value, std::int64_t max)>;

/// A tile that is done, before it is blended with its neighbours: [h,w,C] in 0..1, and where its corner lies in the result, pixels.
using TileSeen = std::function<void(const at::Tensor& tile, std::int64_t x, std::int64_t y)>;

/// `image` float32 [B,H,W,C] in 0..1 -> float32 [B,H*scale,W*scale,C'] in 0..1. Every tile's output is clamped, then weighted
/// by linear ramps of `overlap` on all four sides (at the picture's edge too), and the sum divided by the weights' sum.
/// Networks with a border see it around every tile: neighbours, and beyond the picture its edge, repeated; their tiles leave no trace.
/// Going short of memory starts anew: first without models of `budget` that nobody uses, then with tiles of half the size, down to
/// kSmallestTile; then it throws OutOfMemory.
/// `seen` is called with each tile before its progress. Throws InvalidInput when the picture's channels aren't the network's.
at::Tensor upscale_tiled(const Upscaler& network, const at::Tensor& image, Tiling tiling, const TileProgress& progress,
                         const LayerCheck& check, const TileSeen& seen = {}, const std::shared_ptr<ModelBudget>& budget = nullptr);

}  // namespace darkroom
