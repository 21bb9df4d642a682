#pragma once
// A picture or latent of any size through a VAE, tile by tile, as ComfyUI 0.8.0 cuts and blends them.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace darkroom {

/// Sizes in pixels of the input, all multiples of `divisor`.
struct VaeTiling {
  std::int64_t tile = 64, overlap = 16;
  std::int64_t channels = 3;              ///< of the output
  std::int64_t factor = 8, divisor = 1;   ///< output pixels = input pixels * factor / divisor
};

/// [1,C,h,w] -> [1,channels,h*factor/divisor,w*factor/divisor].
using TileNetwork = std::function<at::Tensor(const at::Tensor& part)>;

/// How often the network is called.
std::int64_t count_vae_tiles(std::int64_t height, std::int64_t width, const VaeTiling& tiling);

/// `input` [1,C,H,W] -> float32 [1,channels,H',W'] in channels-last memory: the average of three passes, with tiles of half the height and
/// twice the width, the reverse, and square ones. Within a pass the tiles are weighted by linear ramps of `overlap` on all four sides (at
/// the edge too) and the sum is divided by the weights'. A pass whose tile covers the input is one plain call.
/// `done` is called behind each tile. Throws InvalidInput when the overlap leaves no way forward in the narrowest tiles.
at::Tensor in_vae_tiles(const at::Tensor& input, const VaeTiling& tiling, const TileNetwork& network, const std::function<void()>& done);

}  // namespace darkroom
