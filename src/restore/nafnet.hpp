#pragma once
// NAFNet: a U-shaped network that takes blur or noise out of pictures and leaves their size (scale 1).
// Source: Chen et al. 2022, "Simple Baselines for Image Restoration". Its channel attention averages over what it is given, so that a
// picture in tiles is not quite the picture as a whole.

#include <memory>

#include "restore/upscaler.hpp"

namespace darkroom {

bool is_nafnet(const StateDict& tensors);
/// Reads width and numbers of blocks off names and shapes. Throws InvalidInput for a missing, surplus or misshapen tensor.
UpscalerInfo check_nafnet(const StateDict& tensors);
std::unique_ptr<Upscaler> make_nafnet(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute);

}  // namespace darkroom
