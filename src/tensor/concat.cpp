#include "tensor/concat.hpp"

#include <ATen/core/IListRef.h>
#include <ATen/ops/cat.h>

namespace darkroom {

at::Tensor concat(at::TensorList tensors, std::int64_t dim) { return at::cat(tensors, dim); }

}  // namespace darkroom
