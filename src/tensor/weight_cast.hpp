#pragma once
// Weights from a file's type to the one that computes.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "tensor/compute.hpp"

namespace darkroom {

/// `weight` in the device and dtype of `compute`. From float16 to bfloat16 on the CPU, which most files need, as fast as memory allows:
/// libtorch converts one number at a time there (a quarter of what packing SD1.5's UNet took).
at::Tensor cast_weight(const at::Tensor& weight, const Compute& compute);

namespace weight_cast {

bool available();
/// `count` numbers, rounded to the nearest, ties to even; NaN stays NaN. Only where available().
void half_to_bfloat16(const std::uint16_t* from, std::uint16_t* to, std::int64_t count);

}  // namespace weight_cast
}  // namespace darkroom
