#include "tensor/conv.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/prelu.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>

#include "base/error.hpp"
#include "tensor/winograd.hpp"

namespace darkroom {

/// oneDNN's convolution, through libtorch: for bf16, for networks narrower than a register, and for other processors.
struct Conv2d::Direct {
  at::Tensor weight, bias;
  Activation activation;

  at::Tensor run(const at::Tensor& x) const {
    auto y = at::conv2d(x.contiguous(at::MemoryFormat::ChannelsLast), weight, bias, 1, 1);
    switch (activation.kind) {
      case Activation::Kind::kNone: return y;
      case Activation::Kind::kLeakyReLU: return at::leaky_relu_(y, activation.slope);
      case Activation::Kind::kPReLU: return at::prelu(y, activation.slopes);
    }
    return y;
  }
};

struct Conv2d::Winograd {
  at::Tensor weight, bias, slope;  // packed; padded to whole registers
  std::int64_t in, out;

  Winograd(const at::Tensor& w, const at::Tensor& b, const Activation& activation) : in(w.size(1)), out(w.size(0)) {
    weight = at::empty({winograd::packed_floats(in, out)}, at::kFloat);
    winograd::pack(w.contiguous().const_data_ptr<float>(), in, out, weight.mutable_data_ptr<float>());
    bias = at::zeros({winograd::padded_out(out)}, at::kFloat);
    bias.narrow(0, 0, out).copy_(b);
    slope = at::zeros({winograd::padded_out(out)}, at::kFloat).fill_(activation.kind == Activation::Kind::kNone ? 1.0F : activation.slope);
    if (activation.kind == Activation::Kind::kPReLU) slope.narrow(0, 0, out).copy_(activation.slopes);
  }

  static winograd::ConstView view(const at::Tensor& t) { return {t.const_data_ptr<float>(), t.stride(0), t.stride(2), t.stride(3)}; }

  void run(at::Tensor x, const at::Tensor& y, bool doubled, std::initializer_list<Residual> residuals) const {
    if (x.stride(1) != 1) x = x.contiguous(at::MemoryFormat::ChannelsLast);
    winograd::Call call{};
    call.x = view(x);
    call.doubled = doubled;
    call.y = {y.mutable_data_ptr<float>(), y.stride(0), y.stride(2), y.stride(3)};
    call.batch = y.size(0), call.height = y.size(2), call.width = y.size(3);
    call.in = in, call.out = out;
    call.weight = weight.const_data_ptr<float>(), call.bias = bias.const_data_ptr<float>(), call.slope = slope.const_data_ptr<float>();
    for (const auto& residual : residuals) {
      call.residual[call.residuals] = view(residual.tensor);
      call.residual_scale[call.residuals++] = residual.scale;
    }
    const auto blocks = (winograd::tiles(call) + winograd::kBlock - 1) / winograd::kBlock;
    at::parallel_for(0, blocks, 1, [&](std::int64_t first, std::int64_t last) {
      const auto scratch = at::empty({winograd::scratch_floats(in, out)}, at::kFloat);
      winograd::run(call, first * winograd::kBlock, std::min(last * winograd::kBlock, winograd::tiles(call)), scratch.mutable_data_ptr<float>());
    });
  }
};

Conv2d::Conv2d(const at::Tensor& weight, const at::Tensor& bias, Activation activation, const Compute& compute, float output_scale)
    : in_(weight.size(1)), out_(weight.size(0)) {
  const auto w = weight.to(at::kFloat).mul(output_scale), b = bias.to(at::kFloat).mul(output_scale);
  if (compute.dtype == at::kFloat && in_ % winograd::kLanes == 0 && winograd::available()) {
    winograd_ = std::make_unique<Winograd>(w, b, activation);
    return;
  }
  if (activation.slopes.defined()) activation.slopes = activation.slopes.to(compute.dtype);
  direct_ = std::make_unique<Direct>(Direct{w.to(compute.dtype).contiguous(at::MemoryFormat::ChannelsLast), b.to(compute.dtype), std::move(activation)});
}
Conv2d::~Conv2d() = default;
Conv2d::Conv2d(Conv2d&&) noexcept = default;
Conv2d& Conv2d::operator=(Conv2d&&) noexcept = default;

void Conv2d::into(const at::Tensor& x, const at::Tensor& out, std::initializer_list<Residual> residuals) const {
  if (residuals.size() > 2) throw InternalError("a convolution takes two residuals");
  if (winograd_) return winograd_->run(x, out, false, residuals);
  auto y = direct_->run(x);
  for (const auto& residual : residuals) y.add_(residual.tensor, residual.scale);
  out.copy_(y);
}

at::Tensor Conv2d::operator()(const at::Tensor& x) const {
  if (!winograd_) return direct_->run(x);
  auto out = empty_nhwc(x.size(0), out_, x.size(2), x.size(3), at::kFloat);
  winograd_->run(x, out, false, {});
  return out;
}

at::Tensor Conv2d::after_doubling(const at::Tensor& x) const {
  if (!winograd_) return direct_->run(at::upsample_nearest2d(x, {x.size(2) * 2, x.size(3) * 2}));
  auto out = empty_nhwc(x.size(0), out_, x.size(2) * 2, x.size(3) * 2, at::kFloat);
  winograd_->run(x, out, true, {});
  return out;
}

std::int64_t Conv2d::bytes() const {
  return static_cast<std::int64_t>(winograd_ ? winograd_->weight.nbytes() : direct_->weight.nbytes());
}

at::Tensor empty_nhwc(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width, at::ScalarType dtype) {
  return at::empty({batch, channels, height, width}, at::TensorOptions().dtype(dtype).memory_format(at::MemoryFormat::ChannelsLast));
}

}  // namespace darkroom
