#include "tensor/cuda.hpp"

#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

namespace darkroom {

std::string load_cuda(int index) {
  if (!::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) return ::dlerror();
  const auto& hooks = at::detail::getCUDAHooks();
  if (!hooks.hasCUDA()) return "the driver can't be used";
  const int count = hooks.getNumGPUs();
  return index < count ? "" : "CUDA knows " + std::to_string(count) + " devices";
}

}  // namespace darkroom
