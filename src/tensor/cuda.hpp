#pragma once
// libtorch's CUDA half, which is not linked: most machines have no use for its gigabyte.

#include <cstdint>
#include <optional>
#include <string>

namespace darkroom {

/// Loads it; it makes itself known to libtorch. Empty when device `index` can be used afterwards, else why not.
std::string load_cuda(int index);

/// Bytes.
struct GpuMemory {
  std::uint64_t free = 0, total = 0;  ///< what is not free may be another process's
  std::uint64_t kept = 0;             ///< neither free nor in use: libtorch's allocator has it at hand for the next tensors
};

/// The memory of device `index` now. Nothing before this process computes there (asking would make it take memory), and without CUDA. From
/// any thread.
std::optional<GpuMemory> gpu_memory(int index);

/// Hands what libtorch's allocator keeps of GPUs' memory back to them.
void trim_gpu_memory();

}  // namespace darkroom
