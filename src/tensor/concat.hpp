#pragma once
// at::cat under a plain declaration: its own header needs IListRef, which cmake/lean keeps out of the files that compute.

#include <ATen/core/Tensor.h>

namespace darkroom {

/// One after the other along `dim`; all other sizes are equal.
at::Tensor concat(at::TensorList tensors, std::int64_t dim = 0);

}  // namespace darkroom
