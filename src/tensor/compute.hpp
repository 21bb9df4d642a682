#pragma once
// Where and how exactly a network computes: decided once per model, by the device and --precision.

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <memory>

namespace darkroom {

class ModelBudget;

struct Compute {
  at::ScalarType dtype = at::kFloat;  ///< kFloat; kBFloat16 where the processor is good at it; kHalf on a GPU
  at::Device device = at::kCPU;
  std::shared_ptr<ModelBudget> budget = nullptr;  ///< where packed weights are counted (tensor/packed.hpp); null: nowhere
  bool operator==(const Compute&) const = default;
};

}  // namespace darkroom
