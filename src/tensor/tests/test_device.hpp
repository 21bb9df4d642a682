#pragma once
// Golden numbers on another device than the processor: DARKROOM_TEST_DEVICE=cuda:0.

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

#include "tensor/compute.hpp"
#include "tensor/cuda.hpp"

namespace darkroom {

/// The GPU of $DARKROOM_TEST_DEVICE, ready to use; nothing for "cpu" or none.
inline std::optional<int> test_gpu() {
  const char* name = std::getenv("DARKROOM_TEST_DEVICE");
  if (!name || !*name || std::string(name) == "cpu") return std::nullopt;
  const at::Device device(name);
  const int index = device.has_index() ? device.index() : 0;
  if (const std::string fault = load_cuda(index); !fault.empty()) throw std::runtime_error(std::string(name) + ": " + fault);
  return index;
}

/// float32 on that device.
inline Compute test_compute() {
  Compute compute;
  if (const auto gpu = test_gpu()) compute.device = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(*gpu));
  return compute;
}

}  // namespace darkroom
