#include "tensor/flash_attention.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cmath>

#include "tensor/attention.hpp"

namespace darkroom {
namespace {

bool rows_fit(const at::Tensor& x) { return x.device().is_cpu() && x.scalar_type() == at::kFloat && x.stride(2) == 1; }

flash::ConstRows rows_of(const at::Tensor& x) { return {x.const_data_ptr<float>(), x.stride(0), x.stride(1)}; }

}  // namespace

std::optional<at::Tensor> flash_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t heads) {
  const auto width = q.size(2) / heads;
  if (!rows_fit(q) || !rows_fit(k) || !rows_fit(v) || q.numel() == 0 || k.size(1) == 0 || !flash::available(width)) return std::nullopt;
  auto out = at::empty(q.sizes(), q.options());
  flash::Call call{rows_of(q), rows_of(k), rows_of(v), out.mutable_data_ptr<float>(), out.stride(0), out.stride(1), q.size(0), heads, q.size(1), k.size(1), width,
                   1 / std::sqrt(static_cast<float>(width)), nullptr};
  const auto packed = at::empty({flash::packed_floats(call)}, q.options());
  call.packed = packed.mutable_data_ptr<float>();
  at::parallel_for(0, flash::blocks(call), 1, [&](std::int64_t first, std::int64_t last) { flash::pack(call, first, last); });
  at::parallel_for(0, flash::tasks(call), 1, [&](std::int64_t first, std::int64_t last) {
    const auto scratch = at::empty({flash::scratch_floats(call)}, at::kFloat);
    flash::run(call, first, last, scratch.mutable_data_ptr<float>());
  });
  return out;
}

}  // namespace darkroom
