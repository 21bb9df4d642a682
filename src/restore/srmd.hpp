#pragma once
// SRMD: a plain chain of convolutions that enlarges by 2 to 4 and is told, beside the picture, how it was blurred and how strong its noise
// is. Source: Zhang et al. 2018, "Learning a Single Convolutional Super-Resolution Network for Multiple Degradations"; the codes of KAIR.

#include <memory>

#include "restore/upscaler.hpp"

namespace darkroom {

bool is_srmd(const StateDict& tensors);
/// "SRMD", or "SRMDNF" for a network that knows of no noise. Reads sizes off the shapes. Throws InvalidInput for a missing, surplus or
/// misshapen tensor.
UpscalerInfo check_srmd(const StateDict& tensors);
std::unique_ptr<Upscaler> make_srmd(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute);

}  // namespace darkroom
