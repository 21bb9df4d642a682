#include <ATen/ops/conv2d.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "tensor/depthwise_norm.hpp"

namespace darkroom {
namespace {

constexpr double kEps = 1e-6;

at::Tensor reference(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, std::int64_t height, std::int64_t width) {
  const auto channels = x.size(1);
  const auto image = x.to(at::kDouble).view({1, height, width, channels}).permute({0, 3, 1, 2});
  const auto y = at::conv2d(image, w.to(at::kDouble), b.to(at::kDouble), 1, 3, 1, channels).permute({0, 2, 3, 1}).reshape({height * width, channels});
  return at::layer_norm(y, {channels}, {}, {}, kEps);
}

double error(const at::Tensor& got, const at::Tensor& want) {
  EXPECT_EQ(got.sizes(), want.sizes());
  return std::sqrt(got.to(at::kDouble).sub(want).square().sum().item<double>() / want.square().sum().item<double>());
}

TEST(DepthwiseNorm, EqualsConvolutionAndNorm) {
  struct Case { std::int64_t channels, height, width; };
  // Channels that fill no registers go the general way; pictures smaller than the kernel, of part bands, of several bands.
  for (const auto& c : {Case{16, 1, 1}, Case{24, 2, 3}, Case{8, 5, 8}, Case{32, 9, 17}, Case{96, 70, 12}, Case{6, 5, 7}, Case{768, 4, 4}}) {
    SCOPED_TRACE(testing::Message() << c.channels << " channels, " << c.height << "x" << c.width);
    const auto x = at::randn({c.height * c.width, c.channels}), w = at::randn({c.channels, 1, 7, 7}).mul(0.2), b = at::randn({c.channels});
    const auto want = reference(x, w, b, c.height, c.width);
    const auto got = DepthwiseNorm(w, b, kEps, {})(x, c.height, c.width);
    EXPECT_LT(error(got, want), 2e-6);
    const auto half = DepthwiseNorm(w, b, kEps, {.dtype = at::kBFloat16})(x, c.height, c.width);
    EXPECT_EQ(half.scalar_type(), at::kBFloat16);
    EXPECT_LT(error(half, want), c.channels % 8 == 0 ? 3e-3 : 2e-2);  // the own kernel rounds its result only
  }
}

TEST(DepthwiseNorm, RefusesOtherShapes) {
  const auto w = at::randn({8, 1, 7, 7}), b = at::randn({8});
  EXPECT_THROW(DepthwiseNorm(at::randn({8, 1, 5, 5}), b, kEps, {}), InvalidInput);
  EXPECT_THROW(DepthwiseNorm(w, at::randn({7}), kEps, {}), InvalidInput);
  EXPECT_THROW(DepthwiseNorm(w, b, kEps, {})(at::randn({12, 8}), 3, 5), InvalidInput);
  EXPECT_THROW(DepthwiseNorm(w, b, kEps, {})(at::randn({15, 16}), 3, 5), InvalidInput);
}

}  // namespace
}  // namespace darkroom
