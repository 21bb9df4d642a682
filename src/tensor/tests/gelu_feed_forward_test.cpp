#include "tensor/gelu_feed_forward.hpp"

#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

TEST(GeluFeedForward, AddsBothLayers) {
  const std::int64_t tokens = 8300;  // three blocks
  const auto x = at::randn({tokens, 24}), wide = at::randn({64, 24}).mul(0.2), a = at::randn({64}), narrow = at::randn({16, 64}).mul(0.1), b = at::randn({16}), sum = at::randn({tokens, 16});
  const auto f64 = [](const at::Tensor& t) { return t.to(at::kDouble); };
  const auto want = f64(sum) + at::linear(at::gelu(at::linear(f64(x), f64(wide), f64(a))), f64(narrow), f64(b));
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const auto got = sum.clone();
    int checks = 0;
    GeluFeedForward(wide, a, narrow, b, {.dtype = dtype}).add_to(x.to(dtype), got, [&] { ++checks; });
    EXPECT_EQ(checks, 3);
    EXPECT_LT((f64(got) - want).abs().max().item<double>(), dtype == at::kFloat ? 1e-5 : 5e-2);
  }
  EXPECT_THROW(GeluFeedForward(wide, a, at::randn({16, 63}), b, {}), InvalidInput);
  EXPECT_THROW(GeluFeedForward(wide, b, narrow, b, {}), InvalidInput);
}

}  // namespace
}  // namespace darkroom
