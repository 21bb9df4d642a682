#include "tensor/flash_attention.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cmath>

#include "tensor/attention.hpp"

namespace darkroom {
namespace {

template <class Number>
flash::ConstRows<Number> rows_of(const at::Tensor& x) {
  return {static_cast<const Number*>(x.const_data_ptr()), x.stride(0), x.stride(1)};
}

template <class Number>
std::optional<at::Tensor> in_blocks(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t heads) {
  const auto width = q.size(2) / heads;
  flash::Call<Number> call{rows_of<Number>(q), rows_of<Number>(k), rows_of<Number>(v), nullptr, 0, 0, q.size(0), heads, q.size(1), k.size(1), width,
                           1 / std::sqrt(static_cast<float>(width)), nullptr};
  if (!flash::available(call)) return std::nullopt;
  auto out = at::empty(q.sizes(), q.options());
  const auto packed = at::empty({flash::packed_numbers(call)}, q.options());
  call.out = static_cast<Number*>(out.mutable_data_ptr()), call.out_image = out.stride(0), call.out_row = out.stride(1);
  call.packed = static_cast<Number*>(packed.mutable_data_ptr());
  at::parallel_for(0, flash::blocks(call), 1, [&](std::int64_t first, std::int64_t last) { flash::pack(call, first, last); });
  at::parallel_for(0, flash::tasks(call), 1, [&](std::int64_t first, std::int64_t last) {
    const auto scratch = at::empty({flash::scratch_floats(call)}, at::kFloat);
    flash::run(call, first, last, static_cast<float*>(scratch.mutable_data_ptr()));
  });
  return out;
}

}  // namespace

std::optional<at::Tensor> flash_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t heads) {
  const auto dtype = q.scalar_type();
  if (q.numel() == 0 || k.size(1) == 0) return std::nullopt;
  for (const auto* x : {&q, &k, &v})
    if (!x->device().is_cpu() || x->scalar_type() != dtype || x->stride(2) != 1) return std::nullopt;
  if (dtype == at::kFloat) return in_blocks<float>(q, k, v, heads);
  if (dtype == at::kBFloat16) return in_blocks<flash::Bf16>(q, k, v, heads);
  return std::nullopt;
}

}  // namespace darkroom
