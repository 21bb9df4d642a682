#pragma once
// Weights by name, as every reader of model files gives them and every network takes them.

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace darkroom {

/// Tensor name -> tensor. Mostly views of a mapped file: a network copies what it keeps (packs it), and lets the map go.
using StateDict = std::map<std::string, at::Tensor, std::less<>>;

/// Is there any tensor whose name begins like this?
inline bool has_below(const StateDict& tensors, std::string_view prefix) {
  const auto found = tensors.lower_bound(prefix);
  return found != tensors.end() && found->first.starts_with(prefix);
}

/// Calls `take(name, tensor)` for each whose name begins with `prefix`, with the rest of its name.
template <class Take>
void each_below(const StateDict& tensors, std::string_view prefix, const Take& take) {
  for (auto at = tensors.lower_bound(prefix); at != tensors.end() && at->first.starts_with(prefix); ++at) take(at->first.substr(prefix.size()), at->second);
}

}  // namespace darkroom
