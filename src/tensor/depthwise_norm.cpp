#include "tensor/depthwise_norm.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>

#include "base/error.hpp"
#include "tensor/depthwise.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

DepthwiseNorm::DepthwiseNorm(const at::Tensor& weight, const at::Tensor& bias, double eps, const Compute& compute) : eps_(eps), dtype_(compute.dtype) {
  const auto channels = weight.size(0);
  if (weight.dim() != 4 || weight.size(1) != 1 || weight.size(2) != depthwise::kSide || weight.size(3) != depthwise::kSide || bias.sizes() != at::IntArrayRef{channels})
    throw InvalidInput("a depthwise convolution's weight has shape " + shape_text(weight));
  own_ = compute.device.is_cpu() && (dtype_ == at::kFloat || dtype_ == at::kBFloat16) && depthwise::available(channels);
  if (!own_) {
    weight_ = weight.to(compute.device, dtype_, false, true).contiguous(at::MemoryFormat::ChannelsLast);
    bias_ = bias.to(compute.device, dtype_, false, true);
    return;
  }
  const auto plain = weight.to(at::kFloat).contiguous();
  weight_ = at::empty(plain.sizes(), at::kFloat);
  depthwise::pack(plain.const_data_ptr<float>(), channels, weight_.mutable_data_ptr<float>());
  bias_ = bias.to(at::kCPU, at::kFloat, false, true).contiguous();
}

at::Tensor DepthwiseNorm::operator()(const at::Tensor& tokens, std::int64_t height, std::int64_t width) const {
  const auto channels = bias_.size(0);
  if (tokens.dim() != 2 || tokens.size(0) != height * width || tokens.size(1) != channels) throw InvalidInput("a depthwise convolution of " + std::to_string(channels) + " channels was given " + shape_text(tokens));
  if (!own_) {
    const auto image = tokens.to(dtype_).view({1, height, width, channels}).permute({0, 3, 1, 2});
    const auto y = at::conv2d(image, weight_, bias_, 1, depthwise::kSide / 2, 1, channels);
    return at::layer_norm(y.permute({0, 2, 3, 1}).reshape({height * width, channels}), {channels}, {}, {}, eps_);
  }
  const auto x = tokens.contiguous();
  auto y = at::empty(x.sizes(), x.options().dtype(dtype_));
  const depthwise::Call call{x.const_data_ptr<float>(), y.mutable_data_ptr(), dtype_ == at::kBFloat16, height, width, channels, weight_.const_data_ptr<float>(), bias_.const_data_ptr<float>(), static_cast<float>(eps_)};
  at::parallel_for(0, depthwise::bands(call), 1, [&](std::int64_t first, std::int64_t last) {
    const auto scratch = at::empty({depthwise::scratch_floats(call)}, at::kFloat);
    depthwise::run(call, first, last, scratch.mutable_data_ptr<float>());
  });
  return y;
}

}  // namespace darkroom
