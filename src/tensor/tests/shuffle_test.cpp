#include "tensor/shuffle.hpp"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

/// As the layers are written down: a 1x1 layer's outputs [1,C * factor^2,H,W], ReLU, shuffle.
at::Tensor shuffled(const at::Tensor& outputs, std::int64_t factor) { return at::pixel_shuffle(at::relu(outputs), factor); }

/// The same outputs as sorted tokens.
at::Tensor tokens_of(const at::Tensor& outputs, std::int64_t factor) {
  const auto flat = sorted_by_place(outputs.squeeze(0).flatten(1), factor);
  return flat.t().contiguous();
}

double worst(const at::Tensor& a, const at::Tensor& b) { return a.to(at::kFloat).sub(b.to(at::kFloat)).abs().max().item<double>(); }

TEST(Shuffle, BlursWhatItEnlarges) {
  struct Case { std::int64_t channels, height, width, factor; };
  for (const auto& c : {Case{8, 1, 1, 2}, Case{16, 3, 5, 2}, Case{24, 2, 4, 4}, Case{5, 3, 2, 2}}) {
    SCOPED_TRACE(testing::Message() << c.channels << " channels, " << c.height << "x" << c.width << ", by " << c.factor);
    const auto outputs = at::randn({1, c.channels * c.factor * c.factor, c.height, c.width});
    const auto want = at::avg_pool2d(at::replication_pad2d(shuffled(outputs, c.factor), {1, 0, 1, 0}), 2, 1);
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      // Into a range of the channels of a wider picture, whose others stay.
      const auto wide = at::zeros({1, c.channels + 8, c.height * c.factor, c.width * c.factor}, dtype).contiguous(at::MemoryFormat::ChannelsLast);
      shuffle_blur(tokens_of(outputs, c.factor).to(dtype), c.height, c.width, c.factor, wide.narrow(1, 0, c.channels));
      EXPECT_LT(worst(wide.narrow(1, 0, c.channels), want), dtype == at::kFloat ? 1e-6 : 3e-2);
      EXPECT_EQ(worst(wide.narrow(1, c.channels, 8), at::zeros({1})), 0);
    }
  }
  EXPECT_THROW(shuffle_blur(at::zeros({4, 32}), 2, 2, 2, at::zeros({1, 8, 4, 6})), InvalidInput);
}

TEST(Shuffle, ProjectsWithoutThePicture) {
  for (const std::int64_t channels : {8, 40, 6}) {
    const std::int64_t height = 3, width = 4, factor = 4;
    const auto outputs = at::randn({1, channels * factor * factor, height, width}), vectors = at::randn({2, channels});
    const auto want = at::conv2d(shuffled(outputs, factor), vectors.view({2, channels, 1, 1}));
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      const auto got = shuffle_project(tokens_of(outputs, factor).to(dtype), vectors);
      ASSERT_EQ(got.sizes(), (std::vector<std::int64_t>{height * width, factor * factor, 2}));
      const auto picture = got.view({height, width, factor, factor, 2}).permute({4, 0, 2, 1, 3}).reshape(want.sizes());
      EXPECT_LT(worst(picture, want), dtype == at::kFloat ? 1e-5 : 0.2);
    }
  }
}

}  // namespace
}  // namespace darkroom
