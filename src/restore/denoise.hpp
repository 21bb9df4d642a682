#pragma once
// Pictures of any size through a denoiser.

#include <ATen/core/Tensor.h>

#include "restore/ffdnet.hpp"
#include "restore/tiling.hpp"

namespace darkroom {

/// `image` float32 [B,H,W,C] in 0..1, C of 1 or 3 -> the same in 0..1. `sigma`: the noise's standard deviation in 8-bit steps, 0 to 75;
/// `strength` 0..1: how much of what the network changes is kept. Tiles have real neighbours around them: they leave no trace.
/// A grey picture through a network for colours has the same noise in all three channels: it is told sqrt(3) times as much, and its outputs
/// are averaged.
at::Tensor denoise(const FfdNet& network, const at::Tensor& image, double sigma, double strength, const TileProgress& progress, const LayerCheck& check);

}  // namespace darkroom
