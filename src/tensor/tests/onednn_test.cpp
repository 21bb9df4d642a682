#include "tensor/onednn.hpp"

#include <ATen/ops/allclose.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

// In float32, which every processor has: bf16 goes through the same calls where it is fast.
namespace darkroom {
namespace {

bool close(const at::Tensor& got, const at::Tensor& want) { return got.defined() && got.sizes() == want.sizes() && at::allclose(got, want, 1e-4, 1e-4); }
at::Tensor nhwc(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

TEST(OneDnn, PackedLinearLayers) {
  const auto w = at::randn({64, 32}), b = at::randn({64}), x = at::randn({2, 7, 32}), residual = at::randn({2, 7, 64});
  const auto packed = onednn::pack_linear(w);
  ASSERT_TRUE(packed.defined());
  EXPECT_TRUE(close(onednn::linear(x, packed, b), at::linear(x, w, b)));
  EXPECT_TRUE(close(onednn::linear(x, packed, at::Tensor()), at::linear(x, w)));
  EXPECT_TRUE(close(onednn::linear_gelu(x, packed, b), at::gelu(at::linear(x, w, b))));
  EXPECT_TRUE(close(onednn::linear_plus(x, residual, packed, b), at::linear(x, w, b) + residual));
  EXPECT_TRUE(close(onednn::linear_plus(x, residual, packed, at::Tensor()), at::linear(x, w) + residual));
}

TEST(OneDnn, PackedConvolutions) {
  const auto w = nhwc(at::randn({48, 32, 3, 3})), b = at::randn({48}), x = nhwc(at::randn({2, 32, 12, 9}));
  for (const std::int64_t stride : {1, 2}) {
    const onednn::Window window{1, stride};
    const auto want = at::conv2d(x, w, b, stride, 1);
    for (const auto& packed : {onednn::pack_convolution(w, window), onednn::pack_convolution(w, window, x.sizes().vec())}) {
      ASSERT_TRUE(packed.defined());
      const auto y = onednn::convolution(x, packed, b, window);
      EXPECT_TRUE(close(y, want));
      EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
      EXPECT_TRUE(close(onednn::convolution(x, packed, at::Tensor(), window), at::conv2d(x, w, at::Tensor(), stride, 1)));
      EXPECT_TRUE(close(onednn::convolution(x, packed, b, window, 0.2), at::leaky_relu(want, 0.2)));
      EXPECT_TRUE(at::equal(onednn::unpack_convolution(packed), w));
    }
  }
}

}  // namespace
}  // namespace darkroom
