#include "tensor/feed_forward.hpp"

#include <ATen/ops/gelu.h>

#include <algorithm>

#include "base/error.hpp"

namespace darkroom {
namespace {

/// Tokens that go through both layers together: their inner numbers (8 times as many as came in) then stay in the cache, and a
/// picture's never lie in memory all at once.
constexpr std::int64_t kTokens = 512;

}  // namespace

GegluFeedForward::GegluFeedForward(const Weights& weights, const Compute& compute) : in_(weights.below("net.0.proj."), compute), out_(weights.below("net.2."), compute) {
  if (in_.out() != 2 * out_.in()) throw InvalidInput(weights.prefix() + "net.2.weight does not fit net.0.proj.weight: " + std::to_string(out_.in()) + " inputs for " + std::to_string(in_.out()) + " outputs");
}

at::Tensor GegluFeedForward::plus(const at::Tensor& x, at::Tensor residual) const {
  const auto rows = x.reshape({-1, in_.in()});
  if (!residual.is_contiguous()) residual = residual.contiguous();
  auto sums = residual.view({-1, out_.out()});
  const auto inner = out_.in(), step = x.device().is_cpu() ? kTokens : std::max<std::int64_t>(rows.size(0), 1);
  for (std::int64_t first = 0; first < rows.size(0); first += step) {
    const auto count = std::min(step, rows.size(0) - first);
    const auto both = in_(rows.narrow(0, first, count));
    const auto values = both.narrow(1, 0, inner).mul_(at::gelu(both.narrow(1, inner, inner)));
    const auto target = sums.narrow(0, first, count);
    const auto sum = out_.plus(values, target);
    if (!sum.is_alias_of(target)) target.copy_(sum);
  }
  return residual;
}

}  // namespace darkroom
