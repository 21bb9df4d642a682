#pragma once
// Where and how exactly a network computes: decided once per model, by the device and --precision.

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

namespace darkroom {

struct Compute {
  at::ScalarType dtype = at::kFloat;  ///< kFloat; kBFloat16 where the processor is good at it; kHalf on a GPU
  at::Device device = at::kCPU;
  bool operator==(const Compute&) const = default;
};

}  // namespace darkroom
