#include "tensor/weight_cast.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

namespace darkroom {

at::Tensor cast_weight(const at::Tensor& weight, const Compute& compute) {
  const bool plain = weight.is_contiguous() && weight.device().is_cpu() && compute.device.is_cpu();
  if (!plain || weight.scalar_type() != at::kHalf || compute.dtype != at::kBFloat16 || !weight_cast::available()) return weight.to(compute.device, compute.dtype);
  constexpr std::int64_t kAtOnce = 1 << 14;
  auto cast = at::empty(weight.sizes(), weight.options().dtype(at::kBFloat16));
  const auto* from = static_cast<const std::uint16_t*>(weight.const_data_ptr());
  auto* to = static_cast<std::uint16_t*>(cast.mutable_data_ptr());
  at::parallel_for(0, weight.numel(), kAtOnce, [&](std::int64_t first, std::int64_t last) { weight_cast::half_to_bfloat16(from + first, to + first, last - first); });
  return cast;
}

}  // namespace darkroom
