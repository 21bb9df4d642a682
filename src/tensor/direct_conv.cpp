#include "tensor/direct_conv.hpp"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/prelu.h>

#include <optional>
#include <utility>

#include "tensor/onednn.hpp"

namespace darkroom {

DirectConv::DirectConv(const at::Tensor& weight, const at::Tensor& bias, Activation activation, const Compute& compute)
    : weight_(weight.to(compute.device, compute.dtype).contiguous(at::MemoryFormat::ChannelsLast)), bias_(bias.to(compute.device, compute.dtype)), activation_(std::move(activation)),
      bytes_(static_cast<std::int64_t>(weight_.nbytes())) {
  if (activation_.slopes.defined()) activation_.slopes = activation_.slopes.to(compute.device, compute.dtype);
  if (!compute.device.is_cpu() || (compute.dtype != at::kFloat && !(compute.dtype == at::kBFloat16 && onednn::fast_bf16()))) return;
  if (auto packed = onednn::pack_convolution(weight_, {}); packed.defined()) {
    weight_ = std::move(packed);
    packed_ = true;
  }
}

at::Tensor DirectConv::run(const at::Tensor& x) const {
  const auto input = x.contiguous(at::MemoryFormat::ChannelsLast);
  const bool leaky = activation_.kind == Activation::Kind::kLeakyReLU;
  at::Tensor y;
  if (packed_) {
    y = onednn::convolution(input, weight_, bias_, {}, leaky ? std::optional<double>(activation_.slope) : std::nullopt);
  } else {
    y = at::conv2d(input, weight_, bias_, 1, 1);
    if (leaky) at::leaky_relu_(y, activation_.slope);
  }
  return activation_.kind == Activation::Kind::kPReLU ? at::prelu(y, activation_.slopes) : y;
}

}  // namespace darkroom
