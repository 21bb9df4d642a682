#include "tensor/convolution.hpp"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>

#include <mutex>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "tensor/conv.hpp"
#include "tensor/linear.hpp"
#include "tensor/onednn.hpp"
#include "tensor/unfolded_conv.hpp"
#include "tensor/weight_cast.hpp"
#include "tensor/winograd.hpp"

namespace darkroom {
namespace {

using Sizes = std::vector<std::int64_t>;

/// Winograd's form of a 3x3 kernel has four times its numbers: up to this many of them it is worth the memory. Of SD1.5 that is all
/// but the layers of 1280 channels, which would take 2.3 GB more for a tenth of a step.
constexpr std::int64_t kWinogradFloats = 36LL * 640 * 1920;

bool winograd_pays(const at::Tensor& weight) {
  return winograd::available() && weight.size(1) % winograd::kLanes == 0 && winograd::packed_floats(weight.size(1), weight.size(0)) <= kWinogradFloats;
}

}  // namespace

/// Weights in the form that oneDNN wants for an input of one size: with another size it would reorder them in every call.
/// So they are packed for the latest size, at its first use.
class Convolution::Packed {
 public:
  Packed(at::Tensor weight, onednn::Window window) : weight_(std::move(weight)), window_(window) {}

  at::Tensor run(const at::Tensor& x, const at::Tensor& bias) { return onednn::convolution(x, for_input(x.sizes().vec()), bias, window_); }

 private:
  at::Tensor for_input(const Sizes& sizes) {
    const std::lock_guard lock(mutex_);
    if (sizes_ == sizes) return weight_;
    const auto plain = weight_.is_mkldnn() ? onednn::unpack_convolution(weight_) : weight_;
    if (auto packed = onednn::pack_convolution(plain, window_, sizes); packed.defined()) weight_ = std::move(packed);
    sizes_ = sizes;
    return weight_;
  }

  std::mutex mutex_;
  at::Tensor weight_;
  onednn::Window window_;
  Sizes sizes_;
};

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
  if (kernel_ == 3 && stride == 1 && padding == Padding::kSame && compute.device.is_cpu() && compute.dtype == at::kFloat && winograd_pays(weight)) {
    winograd_ = std::make_unique<const Conv2d>(weight, bias.defined() ? bias : at::zeros({out_}), Activation::none(), compute);
    bytes_ = static_cast<std::size_t>(winograd_->bytes());
    return;
  }
  if (bias.defined()) bias_ = bias.to(compute.device, compute.dtype).contiguous();
  bytes_ = static_cast<std::size_t>(weight.numel()) * c10::elementSize(compute.dtype);
  if (compute.device.is_cpu() && compute.dtype == at::kFloat) {
    matrix_ = unfold_weight(weight.to(at::kFloat));
    return;
  }
  weight_ = cast_weight(weight, compute).contiguous(at::MemoryFormat::ChannelsLast);
  if (compute.device.is_cpu() && compute.dtype == at::kBFloat16 && padding == Padding::kSame && onednn::fast_bf16())
    packed_ = std::make_unique<Packed>(std::exchange(weight_, {}), onednn::Window{kernel_ / 2, stride});
}

Convolution::~Convolution() = default;
Convolution::Convolution(Convolution&&) noexcept = default;
Convolution& Convolution::operator=(Convolution&&) noexcept = default;

at::Tensor Convolution::run(const at::Tensor& x, const at::Tensor& residual) const {
  const auto side = kernel_ / 2;
  const bool right_bottom = padding_ == Padding::kRightBottom;
  if (matrix_.defined()) return unfolded_conv(x, matrix_, bias_, {kernel_, stride_, right_bottom ? 0 : side, right_bottom ? 1 : side}, residual);
  at::Tensor y;
  if (linear_) y = image_of((*linear_)(tokens_of(x)), x.size(2), x.size(3));
  else if (packed_) y = packed_->run(x, bias_);
  else if (right_bottom) y = at::conv2d(at::constant_pad_nd(x, {0, 1, 0, 1}), weight_, bias_, stride_, at::IntArrayRef{0});
  else y = at::conv2d(x, weight_, bias_, stride_, side);
  return residual.defined() ? y.add_(residual) : y;
}

at::Tensor Convolution::operator()(const at::Tensor& image) const {
  const auto x = image.contiguous(at::MemoryFormat::ChannelsLast);
  return winograd_ ? (*winograd_)(x) : run(x, {});
}

at::Tensor Convolution::plus(const at::Tensor& image, const at::Tensor& residual) const {
  const auto x = image.contiguous(at::MemoryFormat::ChannelsLast);
  if (!winograd_) return run(x, residual);
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
