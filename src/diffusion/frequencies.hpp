#pragma once
// Planes of a tensor by their spatial frequencies (FreeU: Si et al. 2023, equation 5; FreSca: Huang et al. 2025).

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

/// Each plane of `planes` [B,C,H,W] with its low frequencies, those fewer than `cutoff` steps from the constant in both directions, times `low` and all
/// others times `high`. Of the tensor's dtype, computed in float32.
at::Tensor scale_frequencies(const at::Tensor& planes, std::int64_t cutoff, double low, double high);

}  // namespace darkroom
