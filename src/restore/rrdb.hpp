#pragma once
// RRDBNet: ESRGAN, Real-ESRGAN x4plus/x2plus/anime_6B, BSRGAN, RealSR and most community models.
// Source: ESRGAN (Wang et al. 2018), Real-ESRGAN (2021).

#include <memory>

#include "restore/upscaler.hpp"

namespace darkroom {

/// Renames the keys of old ESRGAN and of BSRGAN/RealSR files to basicsr's; others stay.
StateDict rename_rrdb(StateDict tensors);
bool is_rrdb(const StateDict& tensors);
/// Reads sizes off the shapes. Throws InvalidInput for a missing, surplus or misshapen tensor.
UpscalerInfo check_rrdb(const StateDict& tensors);
std::unique_ptr<Upscaler> make_rrdb(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute);

}  // namespace darkroom
