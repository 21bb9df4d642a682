#pragma once
// Numbers as vectors of waves (Vaswani et al. 2017, Ho et al. 2020): timesteps, and SDXL's sizes.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

/// values float32 [N] -> float32 [N,width]: cosines, then sines, of value * exp(-ln(10000) * i / half); an odd width ends in 0.
at::Tensor timestep_embedding(const at::Tensor& values, std::int64_t width);

}  // namespace darkroom
