#include "tensor/cuda.hpp"

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <dlfcn.h>

namespace darkroom {
namespace {

/// libtorch's; null before CUDA has been used.
c10::DeviceAllocator* device_allocator() {
  auto* allocator = at::detail::getCUDAHooks().hasCUDA() ? dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(c10::kCUDA)) : nullptr;
  return allocator && allocator->initialized() ? allocator : nullptr;
}

/// Bytes that it has taken from the device and not given to a tensor.
std::uint64_t kept_memory(int index) {
  auto* allocator = device_allocator();
  if (!allocator) return 0;
  constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto stats = allocator->getDeviceStats(static_cast<c10::DeviceIndex>(index));
  return static_cast<std::uint64_t>(stats.reserved_bytes[kAll].current - stats.active_bytes[kAll].current);
}

}  // namespace

std::string load_cuda(int index) {
  if (!::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) return ::dlerror();
  const auto& hooks = at::detail::getCUDAHooks();
  if (!hooks.hasCUDA()) return "the driver can't be used";
  const int count = hooks.getNumGPUs();
  return index < count ? "" : "CUDA knows " + std::to_string(count) + " devices";
}

std::optional<GpuMemory> gpu_memory(int index) {
  // CUDA's runtime comes with libtorch's library; 0 is its success.
  static const auto set_device = reinterpret_cast<int (*)(int)>(::dlsym(RTLD_DEFAULT, "cudaSetDevice"));
  static const auto memory = reinterpret_cast<int (*)(std::size_t*, std::size_t*)>(::dlsym(RTLD_DEFAULT, "cudaMemGetInfo"));
  const auto& hooks = at::detail::getCUDAHooks();
  if (!set_device || !memory || !hooks.hasCUDA() || !hooks.hasPrimaryContext(static_cast<at::DeviceIndex>(index))) return std::nullopt;
  std::size_t free = 0, total = 0;
  if (set_device(index) != 0 || memory(&free, &total) != 0) return std::nullopt;
  return GpuMemory{free, total, kept_memory(index)};
}

void trim_gpu_memory() {
  if (auto* allocator = device_allocator()) allocator->emptyCache();
}

}  // namespace darkroom
