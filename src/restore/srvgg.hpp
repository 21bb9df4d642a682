#pragma once
// SRVGGNetCompact ("Compact"): a plain chain of convolutions and PReLUs with one pixel shuffle at its end.
// Source: Real-ESRGAN (Wang et al. 2021), realesr-animevideov3 and realesr-general-x4v3.

#include <memory>

#include "restore/upscaler.hpp"

namespace darkroom {

bool is_srvgg(const StateDict& tensors);
/// Reads sizes off the shapes. Throws InvalidInput for a missing, surplus or misshapen tensor.
UpscalerInfo check_srvgg(const StateDict& tensors);
std::unique_ptr<Upscaler> make_srvgg(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute);

}  // namespace darkroom
