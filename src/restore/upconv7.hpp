#pragma once
// UpConv7, the smaller network of waifu2x: six convolutions without padding and a transposed one, for 2x. Each file was trained for one
// strength of JPEG's traces ("noise").
// Source: waifu2x (nagadomi); names are those of its PyTorch version.

#include <memory>

#include "restore/upscaler.hpp"

namespace darkroom {

bool is_upconv7(const StateDict& tensors);
/// Reads sizes off the shapes. Throws InvalidInput for a missing, surplus or misshapen tensor.
UpscalerInfo check_upconv7(const StateDict& tensors);
std::unique_ptr<Upscaler> make_upconv7(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute);

}  // namespace darkroom
