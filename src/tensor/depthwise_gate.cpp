#include "tensor/depthwise_gate.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>

#include "base/error.hpp"
#include "tensor/gated_depthwise.hpp"
#include "tensor/weights.hpp"

namespace darkroom {
namespace {

template <class Number>
void run(const at::Tensor& x, const at::Tensor& y, const at::Tensor& sums, std::int64_t height, std::int64_t width,
         const at::Tensor& weight, const at::Tensor& bias) {
  const gated_depthwise::Call<Number> call{static_cast<const Number*>(x.const_data_ptr()),
                                           static_cast<Number*>(y.mutable_data_ptr()),
                                           sums.mutable_data_ptr<float>(),
                                           height,
                                           width,
                                           y.size(1),
                                           weight.const_data_ptr<float>(),
                                           bias.const_data_ptr<float>()};
  at::parallel_for(0, sums.size(0), 1, [&](std::int64_t first, std::int64_t last) { gated_depthwise::run(call, first, last); });
}

}  // namespace

DepthwiseGate::DepthwiseGate(const at::Tensor& weight, const at::Tensor& bias, const Compute& compute) : dtype_(compute.dtype) {
  const auto channels = weight.size(0);
  constexpr auto kSide = gated_depthwise::kSide;
  if (channels % 2 || weight.sizes() != at::IntArrayRef{channels, 1, kSide, kSide} || bias.sizes() != at::IntArrayRef{channels})
    throw InvalidInput("a gated depthwise convolution's weight has shape " + shape_text(weight));
  own_ = compute.device.is_cpu() && (dtype_ == at::kFloat || dtype_ == at::kBFloat16) && gated_depthwise::available(channels / 2);
  if (!own_) {
    weight_ = weight.to(compute.device, dtype_, false, true).contiguous(at::MemoryFormat::ChannelsLast);
    bias_ = bias.to(compute.device, dtype_, false, true);
    return;
  }
  const auto plain = weight.to(at::kFloat).contiguous();
  weight_ = at::empty(plain.sizes(), at::kFloat);
  gated_depthwise::pack(plain.const_data_ptr<float>(), channels / 2, weight_.mutable_data_ptr<float>());
  bias_ = bias.to(at::kCPU, at::kFloat, false, true).contiguous();
}

DepthwiseGate::Result DepthwiseGate::operator()(const at::Tensor& tokens, std::int64_t height, std::int64_t width) const {
  const auto channels = bias_.size(0) / 2;
  if (tokens.dim() != 2 || tokens.size(0) != height * width || tokens.size(1) != 2 * channels || tokens.scalar_type() != dtype_)
    throw InvalidInput("a gated depthwise convolution of " + std::to_string(2 * channels) + " channels was given " + shape_text(tokens));
  if (!own_) {
    const auto image = tokens.view({1, height, width, 2 * channels}).permute({0, 3, 1, 2});
    const auto both =
        at::conv2d(image, weight_, bias_, 1, 1, 1, 2 * channels).permute({0, 2, 3, 1}).reshape({height * width, 2 * channels});
    const auto y = both.narrow(1, 0, channels).mul(both.narrow(1, channels, channels));
    return {y, y.mean(at::IntArrayRef{0}, true, at::kFloat)};
  }
  const auto x = tokens.contiguous();
  auto y = at::empty({height * width, channels}, x.options());
  const auto sums = at::empty({gated_depthwise::bands(height), channels}, at::kFloat);
  if (dtype_ == at::kFloat) run<float>(x, y, sums, height, width, weight_, bias_);
  else run<gated_depthwise::Bf16>(x, y, sums, height, width, weight_, bias_);
  return {y, sums.sum(at::IntArrayRef{0}, true).div(height * width)};
}

}  // namespace darkroom
