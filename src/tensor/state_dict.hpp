#pragma once
// Weights by name, as every reader of model files gives them and every network takes them.

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace darkroom {

/// Tensor name -> tensor. Mostly views of a mapped file: a network copies what it keeps (packs it), and lets the map go.
using StateDict = std::map<std::string, at::Tensor, std::less<>>;

}  // namespace darkroom
