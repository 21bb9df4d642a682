#include "tensor/conv.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "base/error.hpp"
#include "tensor/direct_conv.hpp"
#include "tensor/winograd.hpp"

namespace darkroom {

struct Conv2d::Winograd {
  at::Tensor weight, bias, slope;  // packed; padded to whole registers
  std::int64_t in, out;

  Winograd(const at::Tensor& w, const at::Tensor& b, const Activation& activation) : in(w.size(1)), out(w.size(0)) {
    weight = at::empty({winograd::packed_floats(in, out)}, at::kFloat);
    const auto plain = w.contiguous();
    at::parallel_for(0, winograd::panels(out), 1, [&](std::int64_t first, std::int64_t last) {
      winograd::pack(plain.const_data_ptr<float>(), in, out, weight.mutable_data_ptr<float>(), first, last);
    });
    bias = at::zeros({winograd::padded_out(out)}, at::kFloat);
    bias.narrow(0, 0, out).copy_(b);
    slope = at::zeros({winograd::padded_out(out)}, at::kFloat).fill_(activation.kind == Activation::Kind::kNone ? 1.0F : activation.slope);
    if (activation.kind == Activation::Kind::kPReLU) slope.narrow(0, 0, out).copy_(activation.slopes);
  }

  static winograd::ConstView view(const at::Tensor& t) { return {t.const_data_ptr<float>(), t.stride(0), t.stride(2), t.stride(3)}; }

  void run(const at::Tensor& x, const at::Tensor& y, bool doubled, std::initializer_list<Residual> residuals) const {
    run_band({x, 0}, y.size(2), {y, 0}, doubled, residuals);
  }

  void run_band(Band source, std::int64_t height, const Band& target, bool doubled, std::initializer_list<Residual> residuals) const {
    auto& x = source.tensor;
    const auto& y = target.tensor;
    if (x.stride(1) != 1) x = x.contiguous(at::MemoryFormat::ChannelsLast);
    winograd::Call call{};
    call.x = view(x);
    call.doubled = doubled;
    call.y = {y.mutable_data_ptr<float>(), y.stride(0), y.stride(2), y.stride(3)};
    call.batch = y.size(0), call.height = height, call.width = y.size(3);
    call.first_row = target.first, call.rows = y.size(2), call.x_first_row = source.first;
    call.in = in, call.out = out;
    call.weight = weight.const_data_ptr<float>(), call.bias = bias.const_data_ptr<float>(), call.slope = slope.const_data_ptr<float>();
    for (const auto& residual : residuals) {
      call.residual[call.residuals] = view(residual.tensor);
      call.residual_scale[call.residuals++] = residual.scale;
    }
    const auto tiles = winograd::tiles(call), block = winograd::block_tiles(in, out), blocks = (tiles + block - 1) / block;
    at::parallel_for(0, blocks, 1, [&](std::int64_t first, std::int64_t last) {
      const auto scratch = at::empty({winograd::scratch_floats(in, out)}, at::kFloat);
      winograd::run(call, first * block, std::min(last * block, tiles), scratch.mutable_data_ptr<float>());
    });
  }
};

Conv2d::Conv2d(const at::Tensor& weight, const at::Tensor& bias, Activation activation, const Compute& compute, float output_scale)
    : in_(weight.size(1)), out_(weight.size(0)) {
  auto w = weight.to(at::kFloat), b = bias.to(at::kFloat);
  if (output_scale != 1) w = w.mul(output_scale), b = b.mul(output_scale);
  if (compute.device.is_cpu() && compute.dtype == at::kFloat && in_ % winograd::kLanes == 0 && winograd::available()) {
    winograd_ = std::make_unique<Winograd>(w, b, activation);
    return;
  }
  direct_ = std::make_unique<DirectConv>(w, b, std::move(activation), compute);
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

at::Tensor Conv2d::operator()(const at::Tensor& x, const at::Tensor& room) const {
  if (!winograd_) return direct_->run(x);
  const bool fits = room.defined() && room.sizes() == at::IntArrayRef{x.size(0), out_, x.size(2), x.size(3)} && room.scalar_type() == at::kFloat &&
                    room.is_contiguous(at::MemoryFormat::ChannelsLast);
  auto out = fits ? room : empty_nhwc(x.size(0), out_, x.size(2), x.size(3), at::kFloat);
  winograd_->run(x, out, false, {});
  return out;
}

at::Tensor Conv2d::after_doubling(const at::Tensor& x) const {
  if (!winograd_) return direct_->run(at::upsample_nearest2d(x, {x.size(2) * 2, x.size(3) * 2}));
  auto out = empty_nhwc(x.size(0), out_, x.size(2) * 2, x.size(3) * 2, at::kFloat);
  winograd_->run(x, out, true, {});
  return out;
}

void Conv2d::band(const Band& x, std::int64_t height, const Band& out, bool doubled) const {
  if (winograd_) return winograd_->run_band(x, height, out, doubled, {});
  const auto factor = doubled ? 2 : 1;
  const auto last = out.first + out.tensor.size(2);
  // Neighbour rows that exist are computed too, with wrong zeros beyond them, and dropped.
  const auto from = std::max<std::int64_t>(out.first - 1, 0) / factor, to = (std::min(last + 1, height) + factor - 1) / factor;
  const auto part = x.tensor.narrow(2, from - x.first, to - from);
  const auto y = direct_->run(doubled ? at::upsample_nearest2d(part, {part.size(2) * 2, part.size(3) * 2}) : part);
  out.tensor.copy_(y.narrow(2, out.first - from * factor, out.tensor.size(2)));
}

std::int64_t Conv2d::bytes() const {
  return winograd_ ? static_cast<std::int64_t>(winograd_->weight.nbytes()) : direct_->bytes();
}

at::Tensor empty_nhwc(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width, const at::TensorOptions& options) {
  return at::empty({batch, channels, height, width}, options.memory_format(at::MemoryFormat::ChannelsLast));
}

}  // namespace darkroom
