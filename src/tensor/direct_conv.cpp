#include "tensor/direct_conv.hpp"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/prelu.h>

#include <optional>
#include <utility>

namespace darkroom {
namespace {

const std::vector<std::int64_t> kOnes{1, 1};  // padding, stride and dilation alike

/// Calls an operator of the `mkldnn` namespace, which has no C++ header. Nothing when this libtorch lacks it.
template <class... Arguments>
std::optional<c10::IValue> call(const char* name, Arguments&&... arguments) {
  const auto found = c10::Dispatcher::singleton().findSchema({name, ""});
  if (!found) return std::nullopt;
  torch::jit::Stack stack;
  (stack.emplace_back(std::forward<Arguments>(arguments)), ...);
  found->callBoxed(stack);
  return std::move(stack.front());
}

bool can_pack(at::ScalarType dtype) {
  if (dtype == at::kFloat) return c10::Dispatcher::singleton().findSchema({"mkldnn::_convolution_pointwise", ""}).has_value();
  const auto supported = dtype == at::kBFloat16 ? call("mkldnn::_is_mkldnn_bf16_supported") : std::nullopt;
  return supported && supported->toBool();
}

}  // namespace

DirectConv::DirectConv(const at::Tensor& weight, const at::Tensor& bias, Activation activation, at::ScalarType dtype)
    : weight_(weight.to(dtype).contiguous(at::MemoryFormat::ChannelsLast)), bias_(bias.to(dtype)), activation_(std::move(activation)),
      bytes_(static_cast<std::int64_t>(weight_.nbytes())) {
  if (activation_.slopes.defined()) activation_.slopes = activation_.slopes.to(dtype);
  if (!can_pack(dtype)) return;
  if (auto packed = call("mkldnn::_reorder_convolution_weight", weight_, kOnes, kOnes, kOnes, std::int64_t{1}, c10::IValue())) {
    weight_ = packed->toTensor();
    packed_ = true;
  }
}

at::Tensor DirectConv::run(const at::Tensor& x) const {
  const auto input = x.contiguous(at::MemoryFormat::ChannelsLast);
  const bool leaky = activation_.kind == Activation::Kind::kLeakyReLU;
  at::Tensor y;
  if (packed_) {
    c10::List<std::optional<c10::Scalar>> scalars;
    if (leaky) scalars.push_back(c10::Scalar(activation_.slope));
    y = call("mkldnn::_convolution_pointwise", input, weight_, bias_, kOnes, kOnes, kOnes, std::int64_t{1}, leaky ? "leaky_relu" : "none", scalars, c10::IValue())->toTensor();
  } else {
    y = at::conv2d(input, weight_, bias_, 1, 1);
    if (leaky) at::leaky_relu_(y, activation_.slope);
  }
  return activation_.kind == Activation::Kind::kPReLU ? at::prelu(y, activation_.slopes) : y;
}

}  // namespace darkroom
