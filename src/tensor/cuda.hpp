#pragma once
// libtorch's CUDA half, which is not linked: most machines have no use for its gigabyte.

#include <string>

namespace darkroom {

/// Loads it; it makes itself known to libtorch. Empty when device `index` can be used afterwards, else why not.
std::string load_cuda(int index);

}  // namespace darkroom
