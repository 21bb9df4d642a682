#include "tensor/attention.hpp"

#include <ATen/ops/scaled_dot_product_attention.h>

#include "base/error.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t heads, bool causal) {
  if (q.dim() != 3 || k.dim() != 3 || v.sizes() != k.sizes() || q.size(0) != k.size(0) || q.size(2) != k.size(2) || heads < 1 || q.size(2) % heads != 0)
    throw InvalidInput("attention: queries of shape " + shape_text(q) + ", keys of " + shape_text(k) + " and values of " + shape_text(v) + " do not fit " + std::to_string(heads) + " heads");
  if (!causal)
    if (auto out = flash_attention(q, k, v, heads)) return *out;
  const auto split = [heads](const at::Tensor& x) { return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2); };
  const auto out = at::scaled_dot_product_attention(split(q), split(k), split(v), {}, 0.0, causal);
  return out.transpose(1, 2).reshape(q.sizes());
}

}  // namespace darkroom
