#pragma once
// CUNet, the larger network of waifu2x: two U-shaped networks, the second of which corrects the first one's result; for 2x, or for cleaning
// alone (1x). Made for drawings. Its channel attention averages over what it is given, so that a picture in tiles is not quite the picture
// as a whole.
// Source: waifu2x (nagadomi); names are those of its PyTorch version.

#include <memory>

#include "restore/upscaler.hpp"

namespace darkroom {

bool is_cunet(const StateDict& tensors);
/// Reads sizes off the shapes. Throws InvalidInput for a missing, surplus or misshapen tensor.
UpscalerInfo check_cunet(const StateDict& tensors);
std::unique_ptr<Upscaler> make_cunet(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute);

}  // namespace darkroom
