#pragma once
// Tensors as PyTorch's print() shows them: `tensor([[0.5000, 1.0000]])`, long ones with their edges only.

#include <ATen/core/Tensor.h>

#include <string>

namespace darkroom {

/// Four decimals, at most 1000 elements in full, three at each edge beyond, lines of 80 columns (torch.set_printoptions' defaults).
std::string tensor_text(const at::Tensor& tensor);

}  // namespace darkroom
