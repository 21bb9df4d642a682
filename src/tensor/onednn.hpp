#pragma once
// The operators of libtorch's `mkldnn` namespace: oneDNN with weights packed once. They have no C++ header.

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <optional>
#include <utility>

namespace darkroom::onednn {

/// Calls `mkldnn::name`. Nothing when this libtorch lacks it.
template <class... Arguments>
std::optional<c10::IValue> call(const char* name, const char* overload, Arguments&&... arguments) {
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!found) return std::nullopt;
  torch::jit::Stack stack;
  (stack.emplace_back(std::forward<Arguments>(arguments)), ...);
  found->callBoxed(stack);
  return std::move(stack.front());
}

/// Does this processor multiply bf16 at speed (AMX, AVX-512)? Elsewhere oneDNN would emulate it.
inline bool fast_bf16() {
  static const bool answer = [] {
    const auto supported = call("mkldnn::_is_mkldnn_bf16_supported", "");
    return supported && supported->toBool();
  }();
  return answer;
}

}  // namespace darkroom::onednn
