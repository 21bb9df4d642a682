#include "tensor/gelu_feed_forward.hpp"

#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "tensor/onednn.hpp"

namespace darkroom {
namespace {

/// Tokens that go through both layers together. What is between them is several times as wide: all of it at once would be a hundred
/// megabytes of a large picture. Fewer than this cost time: between 512 and 4096 an encoder of DDColor gets 6 % (large) to 14 % (tiny)
/// faster.
constexpr std::int64_t kTokens = 4096;

}  // namespace

GeluFeedForward::GeluFeedForward(const at::Tensor& wide, const at::Tensor& wide_bias, const at::Tensor& narrow, const at::Tensor& narrow_bias, const Compute& compute)
    : weight_(wide.to(compute.device, compute.dtype, false, true).contiguous()), bias_(wide_bias.to(compute.device, compute.dtype, false, true)), narrow_(narrow, narrow_bias, compute) {
  if (wide.dim() != 2 || wide.size(0) != narrow_.in() || wide_bias.sizes() != at::IntArrayRef{wide.size(0)})
    throw InvalidInput("a feed-forward layer's weights have shapes " + shape_text(wide) + " and " + shape_text(narrow));
  if (compute.device.is_cpu() && compute.dtype == at::kBFloat16 && onednn::fast_bf16()) {
    if (auto packed = onednn::pack_linear(weight_); packed.defined()) {
      weight_ = std::move(packed);
      packed_ = true;
    }
  }
}

at::Tensor GeluFeedForward::inner(const at::Tensor& x) const {
  if (packed_) return onednn::linear_gelu(x, weight_, bias_);
  auto y = at::linear(x, weight_, bias_);
  return at::gelu_(y);
}

void GeluFeedForward::add_to(const at::Tensor& x, const at::Tensor& sum, const std::function<void()>& check) const {
  const auto count = x.size(0), step = x.device().is_cpu() ? kTokens : count;
  for (std::int64_t first = 0; first < count; first += step) {
    const auto some = std::min(step, count - first);
    auto target = sum.narrow(0, first, some);
    const auto y = inner(x.narrow(0, first, some));
    if (y.scalar_type() == at::kFloat && y.device().is_cpu()) narrow_.plus(y, target);  // in place
    else target.add_(narrow_(y));
    check();
  }
}

}  // namespace darkroom
