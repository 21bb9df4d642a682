#include "tensor/fused_norm.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "tensor/norm.hpp"

namespace darkroom {

namespace {

template <class Number>
at::Tensor normed(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps, std::int64_t groups,
                  const at::Tensor& shift, bool silu) {
  auto y = at::empty(x.sizes(), x.options().memory_format(at::MemoryFormat::ChannelsLast));
  fused_norm::Call<Number> call{};
  call.x = static_cast<const Number*>(x.const_data_ptr()), call.x_image = x.stride(0),
  call.x_pixel = x.size(3) > 1 ? x.stride(3) : x.stride(2);
  call.y = static_cast<Number*>(y.mutable_data_ptr());
  call.batch = x.size(0), call.pixels = x.size(2) * x.size(3), call.channels = x.size(1), call.groups = groups;
  const auto floats = [](const at::Tensor& vector) { return static_cast<const float*>(vector.const_data_ptr()); };
  call.weight = floats(weight), call.bias = floats(bias);
  if (shift.defined()) call.shift = floats(shift), call.shift_image = shift.stride(0);
  call.eps = static_cast<float>(eps), call.silu = silu;
  const auto room = at::empty({fused_norm::sums_floats(call) + 2 * call.batch * call.channels}, at::kFloat);
  call.sums = static_cast<float*>(room.mutable_data_ptr()), call.factors = call.sums + fused_norm::sums_floats(call);
  const auto chunks = fused_norm::chunks(call);
  at::parallel_for(0, chunks, 1, [&](std::int64_t first, std::int64_t last) { fused_norm::sum(call, first, last); });
  at::parallel_for(0, call.batch, 1, [&](std::int64_t first, std::int64_t last) { fused_norm::finish(call, first, last); });
  at::parallel_for(0, chunks, 1, [&](std::int64_t first, std::int64_t last) { fused_norm::apply(call, first, last); });
  return y;
}

}  // namespace

std::optional<at::Tensor> fused_group_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                                           std::int64_t groups, const at::Tensor& shift, bool silu) {
  const auto dtype = x.scalar_type();
  if (!x.device().is_cpu() || (dtype != at::kFloat && dtype != at::kBFloat16) || x.numel() == 0 || !fused_norm::available(x.size(1)))
    return std::nullopt;
  // A single pixel or channel has strides of any value; what counts is where the next element lies.
  const bool rows_follow = x.size(2) == 1 || x.size(3) == 1 || x.stride(2) == x.size(3) * x.stride(3);
  if (x.stride(1) != 1 || !rows_follow || (shift.defined() && shift.stride(1) != 1)) return std::nullopt;
  const auto floats = [](const at::Tensor& vector) { return vector.defined() ? vector.to(at::kFloat) : vector; };
  const auto run = dtype == at::kFloat ? normed<float> : normed<std::uint16_t>;
  return run(x, floats(weight), floats(bias), eps, groups, floats(shift), silu);
}

}  // namespace darkroom
