#include "tensor/fused_norm.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "tensor/norm.hpp"

namespace darkroom {

std::optional<at::Tensor> fused_group_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps, std::int64_t groups, const at::Tensor& shift, bool silu) {
  const auto channels = x.size(1);
  if (!x.device().is_cpu() || x.scalar_type() != at::kFloat || x.numel() == 0 || !fused_norm::available(channels)) return std::nullopt;
  // A single pixel or channel has strides of any value; what counts is where the next element lies.
  const bool rows_follow = x.size(2) == 1 || x.size(3) == 1 || x.stride(2) == x.size(3) * x.stride(3);
  if (x.stride(1) != 1 || !rows_follow || (shift.defined() && shift.stride(1) != 1)) return std::nullopt;
  auto y = at::empty(x.sizes(), x.options().memory_format(at::MemoryFormat::ChannelsLast));
  fused_norm::Call call{};
  call.x = x.const_data_ptr<float>(), call.x_image = x.stride(0), call.x_pixel = x.size(3) > 1 ? x.stride(3) : x.stride(2);
  call.y = y.mutable_data_ptr<float>();
  call.batch = x.size(0), call.pixels = x.size(2) * x.size(3), call.channels = channels, call.groups = groups;
  call.weight = weight.const_data_ptr<float>(), call.bias = bias.const_data_ptr<float>();
  if (shift.defined()) call.shift = shift.const_data_ptr<float>(), call.shift_image = shift.stride(0);
  call.eps = static_cast<float>(eps), call.silu = silu;
  const auto room = at::empty({fused_norm::sums_floats(call) + 2 * call.batch * channels}, at::kFloat);
  call.sums = room.mutable_data_ptr<float>(), call.factors = call.sums + fused_norm::sums_floats(call);
  const auto chunks = fused_norm::chunks(call);
  at::parallel_for(0, chunks, 1, [&](std::int64_t first, std::int64_t last) { fused_norm::sum(call, first, last); });
  at::parallel_for(0, call.batch, 1, [&](std::int64_t first, std::int64_t last) { fused_norm::finish(call, first, last); });
  at::parallel_for(0, chunks, 1, [&](std::int64_t first, std::int64_t last) { fused_norm::apply(call, first, last); });
  return y;
}

}  // namespace darkroom
