#include "tensor/depthwise_gate.hpp"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"

namespace darkroom {
namespace {

at::Tensor reference(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, std::int64_t height, std::int64_t width) {
  const auto channels = x.size(1);
  const auto image = x.to(at::kDouble).view({1, height, width, channels}).permute({0, 3, 1, 2});
  const auto y =
      at::conv2d(image, w.to(at::kDouble), b.to(at::kDouble), 1, 1, 1, channels).permute({0, 2, 3, 1}).reshape({height * width, channels});
  return y.narrow(1, 0, channels / 2).mul(y.narrow(1, channels / 2, channels / 2));
}

double error(const at::Tensor& got, const at::Tensor& want) {
  EXPECT_EQ(got.sizes(), want.sizes());
  return std::sqrt(got.to(at::kDouble).sub(want).square().sum().item<double>() / want.square().sum().item<double>());
}

TEST(DepthwiseGate, EqualsConvolutionAndProduct) {
  struct Case {
    std::int64_t channels, height, width;
  };
  // Channels that fill no registers go the general way; pictures of one pixel, of less than a block of 8 and at its edges, of part bands
  // and several.
  for (const auto& c : {Case{16, 1, 1}, Case{32, 2, 3}, Case{16, 5, 7}, Case{16, 5, 8}, Case{16, 5, 9}, Case{16, 1, 16}, Case{64, 9, 17},
                        Case{32, 70, 33}, Case{12, 5, 7}, Case{512, 4, 4}}) {
    SCOPED_TRACE(testing::Message() << c.channels << " channels, " << c.height << "x" << c.width);
    const auto x = at::randn({c.height * c.width, c.channels}), w = at::randn({c.channels, 1, 3, 3}).mul(0.3), b = at::randn({c.channels});
    const auto want = reference(x, w, b, c.height, c.width);
    const auto got = DepthwiseGate(w, b, {})(x, c.height, c.width);
    EXPECT_LT(error(got.tokens, want), 2e-6);
    EXPECT_LT(error(got.mean, want.mean(at::IntArrayRef{0}, true)), 2e-5);
    const auto rounded = x.to(at::kBFloat16);
    const auto half = DepthwiseGate(w, b, {.dtype = at::kBFloat16})(rounded, c.height, c.width);
    EXPECT_EQ(half.tokens.scalar_type(), at::kBFloat16);
    EXPECT_EQ(half.mean.scalar_type(), at::kFloat);
    EXPECT_LT(error(half.tokens, reference(rounded.to(at::kFloat), w, b, c.height, c.width)),
              c.channels % 16 == 0 ? 3e-3 : 2e-2);  // the own kernel rounds its result only
  }
}

TEST(DepthwiseGate, RefusesOtherShapes) {
  const auto w = at::randn({8, 1, 3, 3}), b = at::randn({8});
  EXPECT_THROW(DepthwiseGate(at::randn({8, 1, 5, 5}), b, {}), InvalidInput);
  EXPECT_THROW(DepthwiseGate(at::randn({7, 1, 3, 3}), at::randn({7}), {}), InvalidInput);
  EXPECT_THROW(DepthwiseGate(w, at::randn({7}), {}), InvalidInput);
  EXPECT_THROW(DepthwiseGate(w, b, {})(at::randn({12, 8}), 3, 5), InvalidInput);
  EXPECT_THROW(DepthwiseGate(w, b, {})(at::randn({15, 16}), 3, 5), InvalidInput);
  EXPECT_THROW(DepthwiseGate(w, b, {.dtype = at::kBFloat16})(at::randn({15, 8}), 3, 5), InvalidInput);
}

}  // namespace
}  // namespace darkroom
