#include "tensor/convolution.hpp"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>

#include "base/error.hpp"
#include "tensor/conv.hpp"
#include "tensor/linear.hpp"
#include "tensor/onednn.hpp"
#include "tensor/winograd.hpp"

namespace darkroom {
namespace {

using Sizes = std::vector<std::int64_t>;

/// Winograd's form of a 3x3 kernel has four times its numbers: up to this many of them it is worth the memory.
constexpr std::int64_t kWinogradFloats = 36LL * 640 * 1920;

bool winograd_pays(const at::Tensor& weight, const Compute& compute) {
  return compute.device.is_cpu() && compute.dtype == at::kFloat && winograd::available() && weight.size(1) % winograd::kLanes == 0 &&
         winograd::packed_floats(weight.size(1), weight.size(0)) <= kWinogradFloats;
}

}  // namespace

Convolution::Convolution(const Weights& weights, const Compute& compute, std::int64_t stride, Padding padding)
    : Convolution(weights.get("weight"), weights.has("bias") ? weights.get("bias") : at::Tensor(), compute, stride, padding) {
  weights.release("weight");
}

Convolution::Convolution(const at::Tensor& weight, const at::Tensor& bias, const Compute& compute, std::int64_t stride, Padding padding)
    : stride_(stride), padding_(padding) {
  if (weight.dim() != 4 || weight.size(2) != weight.size(3) || weight.size(2) % 2 == 0)
    throw InvalidInput("a convolution's weight has shape " + shape_text(weight));
  out_ = weight.size(0), in_ = weight.size(1), kernel_ = weight.size(2);
  if (bias.defined() && (bias.dim() != 1 || bias.size(0) != out_)) throw InvalidInput("a bias of shape " + shape_text(bias) + " for " + std::to_string(out_) + " outputs");

  if (kernel_ == 1 && stride == 1) {
    linear_ = std::make_unique<const Linear>(weight, bias, compute);
    bytes_ = linear_->bytes();
    return;
  }
  if (kernel_ == 3 && stride == 1 && padding == Padding::kSame && winograd_pays(weight, compute)) {
    winograd_ = std::make_unique<const Conv2d>(weight, bias.defined() ? bias : at::zeros({out_}), Activation::none(), compute);
    bytes_ = static_cast<std::size_t>(winograd_->bytes());
    return;
  }
  weight_ = weight.to(compute.device, compute.dtype).contiguous(at::MemoryFormat::ChannelsLast);
  if (bias.defined()) bias_ = bias.to(compute.device, compute.dtype).contiguous();
  bytes_ = weight_.nbytes();
  if (!compute.device.is_cpu() || padding != Padding::kSame || (compute.dtype == at::kBFloat16 && !onednn::fast_bf16())) return;
  if (compute.dtype != at::kFloat && compute.dtype != at::kBFloat16) return;
  const Sizes sides{kernel_ / 2, kernel_ / 2}, strides{stride, stride}, ones{1, 1};
  if (auto packed = onednn::call("mkldnn::_reorder_convolution_weight", "", weight_, sides, strides, ones, std::int64_t{1}, c10::IValue())) {
    weight_ = packed->toTensor();
    packed_ = true;
  }
}

Convolution::~Convolution() = default;
Convolution::Convolution(Convolution&&) noexcept = default;
Convolution& Convolution::operator=(Convolution&&) noexcept = default;

at::Tensor Convolution::run(const at::Tensor& x) const {
  const auto side = kernel_ / 2;
  if (packed_) {
    const c10::IValue bias = bias_.defined() ? c10::IValue(bias_) : c10::IValue();
    return onednn::call("mkldnn::_convolution_pointwise", "", x, weight_, bias, Sizes{side, side}, Sizes{stride_, stride_}, Sizes{1, 1}, std::int64_t{1}, "none",
                        c10::List<std::optional<c10::Scalar>>(), c10::IValue())->toTensor();
  }
  if (padding_ == Padding::kRightBottom) return at::conv2d(at::constant_pad_nd(x, {0, 1, 0, 1}), weight_, bias_, stride_, at::IntArrayRef{0});
  return at::conv2d(x, weight_, bias_, stride_, side);
}

at::Tensor Convolution::operator()(const at::Tensor& image) const {
  const auto x = image.contiguous(at::MemoryFormat::ChannelsLast);
  if (linear_) return image_of((*linear_)(tokens_of(x)), x.size(2), x.size(3));
  return winograd_ ? (*winograd_)(x) : run(x);
}

at::Tensor Convolution::plus(const at::Tensor& image, const at::Tensor& residual) const {
  if (!winograd_) return (*this)(image).add_(residual);
  const auto x = image.contiguous(at::MemoryFormat::ChannelsLast);
  auto y = empty_nhwc(x.size(0), out_, x.size(2), x.size(3), at::kFloat);
  winograd_->into(x, y, {{residual.stride(1) == 1 ? residual : residual.contiguous(at::MemoryFormat::ChannelsLast), 1}});
  return y;
}

at::Tensor Convolution::after_enlarging(const at::Tensor& image, std::int64_t height, std::int64_t width) const {
  const auto x = image.contiguous(at::MemoryFormat::ChannelsLast);
  if (winograd_ && height == 2 * x.size(2) && width == 2 * x.size(3)) return winograd_->after_doubling(x);
  return (*this)(at::upsample_nearest2d(x, {height, width}));
}

at::Tensor tokens_of(const at::Tensor& image) { return image.permute({0, 2, 3, 1}).reshape({image.size(0), image.size(2) * image.size(3), image.size(1)}); }

at::Tensor image_of(const at::Tensor& tokens, std::int64_t height, std::int64_t width) {
  return tokens.reshape({tokens.size(0), height, width, tokens.size(2)}).permute({0, 3, 1, 2});
}

}  // namespace darkroom
