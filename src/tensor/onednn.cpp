#include "tensor/onednn.hpp"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <utility>

namespace darkroom::onednn {
namespace {

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

at::Tensor tensor_of(std::optional<c10::IValue> value) { return value ? value->toTensor() : at::Tensor(); }

c10::IValue optional_tensor(const at::Tensor& tensor) { return tensor.defined() ? c10::IValue(tensor) : c10::IValue(); }

using Scalars = c10::List<std::optional<c10::Scalar>>;

std::vector<std::int64_t> both(std::int64_t value) { return {value, value}; }

}  // namespace

bool fast_bf16() {
  static const bool answer = [] {
    const auto supported = call("mkldnn::_is_mkldnn_bf16_supported", "");
    return supported && supported->toBool();
  }();
  return answer;
}

at::Tensor pack_linear(const at::Tensor& weight) { return tensor_of(call("mkldnn::_reorder_linear_weight", "", weight, c10::IValue())); }

at::Tensor linear(const at::Tensor& x, const at::Tensor& packed, const at::Tensor& bias) {
  return tensor_of(call("mkldnn::_linear_pointwise", "", x, packed, optional_tensor(bias), "none", Scalars(), c10::IValue()));
}

at::Tensor linear_gelu(const at::Tensor& x, const at::Tensor& packed, const at::Tensor& bias) {
  return tensor_of(call("mkldnn::_linear_pointwise", "", x, packed, optional_tensor(bias), "gelu", Scalars(), c10::IValue("none")));
}

at::Tensor linear_plus(const at::Tensor& x, const at::Tensor& residual, const at::Tensor& packed, const at::Tensor& bias) {
  return tensor_of(call("mkldnn::_linear_pointwise", "binary", x, residual, packed, optional_tensor(bias), "add"));
}

at::Tensor pack_convolution(const at::Tensor& weight, Window window, const std::optional<std::vector<std::int64_t>>& input) {
  return tensor_of(call("mkldnn::_reorder_convolution_weight", "", weight, both(window.padding), both(window.stride), both(1), std::int64_t{1},
                        input ? c10::IValue(*input) : c10::IValue()));
}

at::Tensor unpack_convolution(const at::Tensor& packed) { return packed.to_dense().contiguous(at::MemoryFormat::ChannelsLast); }

at::Tensor convolution(const at::Tensor& x, const at::Tensor& packed, const at::Tensor& bias, Window window, std::optional<double> leak) {
  Scalars scalars;
  if (leak) scalars.push_back(c10::Scalar(*leak));
  return tensor_of(call("mkldnn::_convolution_pointwise", "", x, packed, optional_tensor(bias), both(window.padding), both(window.stride), both(1), std::int64_t{1},
                        leak ? "leaky_relu" : "none", scalars, c10::IValue()));
}

}  // namespace darkroom::onednn
