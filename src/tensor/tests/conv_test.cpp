#include "tensor/conv.hpp"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/prelu.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

namespace darkroom {
namespace {

at::Tensor nhwc(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

/// Largest difference relative to the root mean square, against float64.
double error(const at::Tensor& got, const at::Tensor& want) {
  return got.to(at::kDouble).sub(want).abs().max().item<double>() / std::sqrt(want.square().mean().item<double>());
}

struct Case {
  std::int64_t in, out, height, width, batch;
};

// Sizes around tiles (4), blocks of tiles (24) and registers (8 and 16 channels); 3 and 12 inputs go to oneDNN.
const Case kCases[] = {{64, 64, 17, 23, 1}, {8, 3, 1, 1, 1}, {16, 24, 4, 4, 2}, {40, 32, 5, 33, 3}, {32, 48, 30, 29, 1}, {64, 3, 8, 9, 1}, {3, 16, 7, 7, 2}, {12, 12, 6, 5, 1}, {64, 8, 2, 3, 1}};

TEST(Conv2d, EqualsThePlainSum) {
  for (const auto& c : kCases) {
    SCOPED_TRACE(testing::Message() << c.in << "->" << c.out << " " << c.height << "x" << c.width << "x" << c.batch);
    // No slope is steeper than 1: that would multiply the rounding errors of the sum as well.
    const auto x = nhwc(at::randn({c.batch, c.in, c.height, c.width})), w = at::randn({c.out, c.in, 3, 3}).mul(0.1), b = at::randn({c.out}), slopes = at::rand({c.out}).mul(2).sub(1);
    const auto plain = at::conv2d(x.to(at::kDouble), w.to(at::kDouble), b.to(at::kDouble), 1, 1);
    EXPECT_LT(error(Conv2d(w, b, Activation::none(), {})(x), plain), 2e-5);
    EXPECT_LT(error(Conv2d(w, b, Activation::leaky(0.2F), {})(x), at::leaky_relu(plain, 0.2)), 2e-5);
    EXPECT_LT(error(Conv2d(w, b, Activation::prelu(slopes), {})(x), at::prelu(plain, slopes.to(at::kDouble))), 2e-5);
    const auto doubled = at::upsample_nearest2d(x, {2 * c.height, 2 * c.width});
    EXPECT_LT(error(Conv2d(w, b, Activation::none(), {}).after_doubling(x), at::conv2d(doubled.to(at::kDouble), w.to(at::kDouble), b.to(at::kDouble), 1, 1)), 2e-5);
  }
}

TEST(Conv2d, WorksInPlaceOnRangesOfChannels) {
  const std::int64_t in = 64, out = 32;
  for (const std::int64_t size : {9, 40}) {
    auto buffer = nhwc(at::randn({2, in + out + 16, size, size}));
    const auto before = buffer.clone();
    const auto w = at::randn({out, in, 3, 3}).mul(0.1), b = at::randn({out});
    const auto first = nhwc(at::randn({2, out, size, size}));
    const auto target = buffer.narrow(1, in, out);
    Conv2d(w, b, Activation::leaky(0.2F), {}, 0.5F).into(buffer.narrow(1, 0, in), target, {{first, 0.25F}, {target, 2}});
    const auto sum = at::conv2d(before.narrow(1, 0, in).to(at::kDouble), w.to(at::kDouble).mul(0.5), b.to(at::kDouble).mul(0.5), 1, 1);
    const auto want = at::leaky_relu(sum, 0.2).add(first.to(at::kDouble), 0.25).add(before.narrow(1, in, out).to(at::kDouble), 2);
    EXPECT_LT(error(target, want), 2e-5);
    EXPECT_TRUE(buffer.narrow(1, 0, in).equal(before.narrow(1, 0, in)));
    EXPECT_TRUE(buffer.narrow(1, in + out, 16).equal(before.narrow(1, in + out, 16)));
  }
}

TEST(Conv2d, ComputesBandsOfRows) {
  for (const std::int64_t in : {32, 12})  // own kernel, oneDNN
    for (const bool doubled : {false, true}) {
      const std::int64_t size = 21, height = doubled ? 2 * size : size;
      const auto x = nhwc(at::randn({2, in, size, 9}));
      const Conv2d conv(at::randn({16, in, 3, 3}).mul(0.1), at::randn({16}), Activation::leaky(0.2F), {});
      const auto whole = doubled ? conv.after_doubling(x) : conv(x);
      for (const auto& [first, last] : {std::pair<std::int64_t, std::int64_t>{0, 5}, {5, 6}, {3, 16}, {14, height}, {height - 1, height}}) {
        // exactly the rows that are needed, and garbage nowhere near
        const auto factor = doubled ? 2 : 1;
        const auto from = std::max<std::int64_t>(first - 1, 0) / factor, to = (std::min(last + 1, height) + factor - 1) / factor;
        const Band part{nhwc(x.narrow(2, from, to - from)), from};
        auto out = empty_nhwc(2, 16, last - first, whole.size(3), at::kFloat);
        conv.band(part, height, {out, first}, doubled);
        EXPECT_LT(error(out, whole.narrow(2, first, last - first).to(at::kDouble)), 2e-5) << in << " " << doubled << " " << first << ".." << last;
      }
    }
}

TEST(Conv2d, TakesPlanarInputsAndKeepsNaN) {
  const auto x = at::randn({1, 16, 12, 12});
  const auto w = at::randn({16, 16, 3, 3}), b = at::zeros({16});
  EXPECT_LT(error(Conv2d(w, b, Activation::none(), {})(x), at::conv2d(x.to(at::kDouble), w.to(at::kDouble), b.to(at::kDouble), 1, 1)), 2e-5);
  auto broken = x.clone();
  broken.select(2, 5).fill_(std::nan(""));
  EXPECT_TRUE(Conv2d(w, b, Activation::leaky(0.2F), {})(broken).isnan().any().item<bool>());
}

TEST(Conv2d, ComputesInBf16) {
  const auto x = nhwc(at::randn({1, 16, 12, 12})).to(at::kBFloat16);
  const auto w = at::randn({16, 16, 3, 3}).mul(0.1), b = at::randn({16});
  const auto got = Conv2d(w, b, Activation::leaky(0.2F), {.dtype = at::kBFloat16})(x);
  EXPECT_EQ(got.scalar_type(), at::kBFloat16);
  EXPECT_LT(error(got, at::leaky_relu(at::conv2d(x.to(at::kDouble), w.to(at::kDouble), b.to(at::kDouble), 1, 1), 0.2)), 0.1);
}

}  // namespace
}  // namespace darkroom
