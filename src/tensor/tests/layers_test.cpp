#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/constant_pad_nd.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "tensor/attention.hpp"
#include "tensor/concat.hpp"
#include "tensor/convolution.hpp"
#include "tensor/feed_forward.hpp"
#include "tensor/linear.hpp"
#include "tensor/norm.hpp"
#include "tensor/weight_cast.hpp"

namespace darkroom {
namespace {

const Compute kBf16{.dtype = at::kBFloat16};

at::Tensor nhwc(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }
at::Tensor f64(const at::Tensor& x) { return x.to(at::kDouble); }

/// Root mean square of the difference relative to that of `want`.
double error(const at::Tensor& got, const at::Tensor& want) {
  EXPECT_EQ(got.sizes(), want.sizes());
  return std::sqrt(f64(got).sub(f64(want)).square().sum().item<double>() / f64(want).square().sum().item<double>());
}

Weights weights_of(StateDict tensors) { return Weights(std::make_shared<const StateDict>(std::move(tensors))); }

TEST(LinearLayer, EqualsTheProduct) {
  const auto w = at::randn({24, 40}), b = at::randn({24}), x = at::randn({2, 7, 40}), residual = at::randn({2, 7, 24});
  const auto want = at::linear(f64(x), f64(w), f64(b));
  const Linear layer(weights_of({{"weight", w.to(at::kHalf).to(at::kFloat)}, {"bias", b}}), {});
  EXPECT_LT(error(layer(x), at::linear(f64(x), f64(w.to(at::kHalf)), f64(b))), 1e-6);
  EXPECT_LT(error(Linear(w, b, {}).plus(x, residual.clone()), want.add(f64(residual))), 1e-6);
  EXPECT_LT(error(Linear(w, {}, {}).plus(x, residual.clone()), want.sub(f64(b)).add(f64(residual))), 1e-6);
  EXPECT_LT(error(Linear(w, b, kBf16)(x.to(at::kBFloat16)), want), 1e-2);
  EXPECT_LT(error(Linear(w, b, kBf16).plus(x.to(at::kBFloat16), residual.to(at::kBFloat16)), want.add(f64(residual))), 1e-2);
  EXPECT_THROW(Linear(b, {}, {}), InvalidInput);
  EXPECT_THROW(Linear(w, at::randn({23}), {}), InvalidInput);
  EXPECT_THROW(Linear(at::randn({4, 4, 3, 3}), {}, {}), InvalidInput);
}

TEST(ConvolutionLayer, EqualsTheSum) {
  struct Case { std::int64_t in, out, kernel, stride, height, width, batch; Padding padding; };
  const Case cases[] = {{4, 32, 3, 1, 7, 9, 1, Padding::kSame},  {32, 40, 3, 1, 16, 12, 2, Padding::kSame}, {32, 4, 3, 1, 8, 8, 3, Padding::kSame}, {32, 48, 1, 1, 5, 6, 2, Padding::kSame},
                        {32, 32, 3, 2, 9, 8, 2, Padding::kSame}, {32, 32, 3, 2, 9, 8, 2, Padding::kRightBottom}, {32, 32, 3, 2, 1, 1, 1, Padding::kSame}, {3, 128, 3, 1, 8, 8, 1, Padding::kSame}};
  for (const auto& c : cases) {
    SCOPED_TRACE(testing::Message() << c.in << "->" << c.out << " " << c.kernel << " stride " << c.stride << " " << c.height << "x" << c.width << "x" << c.batch);
    const auto x = at::randn({c.batch, c.in, c.height, c.width}), w = at::randn({c.out, c.in, c.kernel, c.kernel}).mul(0.1), b = at::randn({c.out});
    const bool right_bottom = c.padding == Padding::kRightBottom;
    const auto seen = right_bottom ? at::constant_pad_nd(f64(x), {0, 1, 0, 1}) : f64(x);
    const at::IntArrayRef stride(c.stride);
    const std::int64_t side = right_bottom ? 0 : c.kernel / 2;
    const auto want = at::conv2d(seen, f64(w), f64(b), stride, at::IntArrayRef(side));
    const Convolution layer(w, b, {}, c.stride, c.padding), bf16(w, b, kBf16, c.stride, c.padding);
    EXPECT_LT(error(layer(nhwc(x)), want), 2e-6);
    EXPECT_LT(error(layer(x), want), 2e-6);
    EXPECT_TRUE(layer(nhwc(x)).is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_LT(error(bf16(nhwc(x.to(at::kBFloat16))), want), 1e-2);
    const auto residual = nhwc(at::randn(want.sizes())), before = residual.clone();
    EXPECT_LT(error(layer.plus(nhwc(x), residual), want.add(f64(residual))), 2e-6);
    EXPECT_TRUE(residual.equal(before));
    EXPECT_LT(error(Convolution(w, {}, {}, c.stride, c.padding)(x), want.sub(f64(b).unsqueeze(1).unsqueeze(2))), 2e-6);
    if (c.stride > 1) continue;
    for (const auto& [height, width] : {std::pair{2 * c.height, 2 * c.width}, std::pair{2 * c.height - 1, 2 * c.width + 1}})
      EXPECT_LT(error(layer.after_enlarging(nhwc(x), height, width), at::conv2d(at::upsample_nearest2d(f64(x), {height, width}), f64(w), f64(b), stride, at::IntArrayRef(side))), 2e-6);
  }
  EXPECT_THROW(Convolution(at::randn({4, 4}), {}, {}), InvalidInput);
  EXPECT_THROW(Convolution(at::randn({4, 4, 2, 2}), {}, {}), InvalidInput);
  EXPECT_THROW(Convolution(at::randn({4, 4, 3, 3}), at::randn({3}), {}), InvalidInput);
}

// What the own kernels need: where it is there, they and not libtorch's have to be what is tested.
#ifdef __x86_64__
const bool kAvx2 = __builtin_cpu_supports("avx2") != 0, kBf16Pairs = __builtin_cpu_supports("avx512bf16") != 0;
#else
constexpr bool kAvx2 = false, kBf16Pairs = false;
#endif

TEST(GroupNormLayer, EqualsTheDefinition) {
  struct Case { std::int64_t batch, channels, height, width, groups; double offset; };
  for (const auto& c : {Case{2, 64, 5, 7, 32, 0}, Case{1, 128, 1, 1, 32, 0}, Case{2, 320, 16, 24, 32, 0}, Case{3, 96, 20, 13, 32, 30}, Case{2, 12, 4, 4, 4, 0}}) {
    SCOPED_TRACE(testing::Message() << c.channels << " " << c.height << "x" << c.width);
    const auto x = nhwc(at::randn({c.batch, c.channels, c.height, c.width}).mul(2).add(c.offset)), w = at::randn({c.channels}), b = at::randn({c.channels}), shift = at::randn({c.batch, 2 * c.channels}).narrow(1, c.channels, c.channels);
    const GroupNorm norm(weights_of({{"weight", w}, {"bias", b}}), {}, 1e-5, c.groups), bf16(weights_of({{"weight", w}, {"bias", b}}), kBf16, 1e-5, c.groups);
    const auto plain = at::group_norm(f64(x), c.groups, f64(w), f64(b), 1e-5);
    const auto shifted = at::silu(at::group_norm(f64(x).add(f64(shift).unsqueeze(2).unsqueeze(3)), c.groups, f64(w), f64(b), 1e-5));
    const auto before = x.clone();
    EXPECT_LT(error(norm(x), plain), 3e-6);
    EXPECT_LT(error(norm.silu(x), at::silu(plain)), 3e-6);
    EXPECT_LT(error(norm.silu(x, shift), shifted), 3e-6);
    EXPECT_LT(error(norm(x.contiguous()), plain), 3e-6);
    EXPECT_TRUE(x.equal(before));
    const auto half = x.to(at::kBFloat16);
    EXPECT_EQ(fused_group_norm(half, w, b, 1e-5, c.groups, {}, true).has_value(), kAvx2 && c.channels % 8 == 0);
    if (c.offset != 0) continue;
    EXPECT_LT(error(bf16(half), plain), 2e-2);
    EXPECT_LT(error(bf16.silu(half), at::silu(plain)), 2e-2);
    EXPECT_LT(error(bf16.silu(half, shift.to(at::kBFloat16)), shifted), 2e-2);
  }
  EXPECT_THROW(GroupNorm(weights_of({{"weight", at::randn({33})}, {"bias", at::randn({33})}}), {}, 1e-5), InvalidInput);
}

TEST(GroupNormLayer, KeepsNaN) {
  auto x = nhwc(at::randn({1, 32, 4, 4}));
  x.fill_(NAN);
  for (const auto& compute : {Compute{}, kBf16}) {
    const GroupNorm norm(weights_of({{"weight", at::rand({32})}, {"bias", at::rand({32})}}), compute, 1e-5);
    EXPECT_TRUE(norm.silu(x.to(compute.dtype)).isnan().all().item<bool>());
  }
}

TEST(LayerNormLayer, EqualsTheDefinition) {
  const auto x = at::randn({2, 5, 48}), w = at::randn({48}), b = at::randn({48});
  EXPECT_LT(error(LayerNorm(weights_of({{"weight", w}, {"bias", b}}), {})(x), at::layer_norm(f64(x), {48}, f64(w), f64(b), 1e-5)), 1e-6);
}

at::Tensor plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t heads) {
  const auto split = [heads](const at::Tensor& x) { return f64(x).reshape({x.size(0), x.size(1), heads, -1}).transpose(1, 2); };
  const auto width = static_cast<double>(q.size(2) / heads);
  return at::softmax(split(q).matmul(split(k).transpose(2, 3)).div(std::sqrt(width)), -1).matmul(split(v)).transpose(1, 2).reshape(q.sizes());
}

TEST(Attention, EqualsTheDefinition) {
  struct Case { std::int64_t batch, queries, keys, heads, width; double size; };
  for (const auto& c : {Case{2, 64, 64, 8, 40, 1}, Case{1, 7, 77, 2, 64, 1}, Case{2, 391, 300, 3, 80, 1}, Case{1, 1, 1, 1, 8, 1}, Case{2, 20, 33, 2, 160, 6}, Case{1, 50, 50, 1, 512, 1}, Case{1, 13, 17, 2, 12, 1}}) {
    SCOPED_TRACE(testing::Message() << c.queries << "x" << c.keys << " " << c.heads << "x" << c.width);
    const auto channels = c.heads * c.width;
    const auto q = at::randn({c.batch, c.queries, channels}).mul(c.size), k = at::randn({c.batch, c.keys, channels}).mul(c.size), v = at::randn({c.batch, c.keys, channels});
    const auto want = plain_attention(q, k, v, c.heads);
    const double allowed = 3e-6 * c.size;  // large scores make few keys count, and their rounding more
    EXPECT_LT(error(attention(q, k, v, c.heads), want), allowed);
    const auto rounded_q = q.to(at::kBFloat16), rounded_k = k.to(at::kBFloat16), rounded_v = v.to(at::kBFloat16);
    EXPECT_EQ(flash_attention(rounded_q, rounded_k, rounded_v, c.heads).has_value(), kBf16Pairs);
    EXPECT_LT(error(attention(rounded_q, rounded_k, rounded_v, c.heads), plain_attention(rounded_q, rounded_k, rounded_v, c.heads)), 1e-2);
    // Parts of one wider product, as merged projections give them.
    const auto both = concat({k, v}, 2);
    EXPECT_LT(error(attention(q, both.narrow(2, 0, channels), both.narrow(2, channels, channels), c.heads), want), allowed);
  }
  const auto x = at::randn({1, 4, 16});
  EXPECT_THROW(attention(x, x, x, 3), InvalidInput);
  EXPECT_THROW(attention(x, at::randn({2, 4, 16}), at::randn({2, 4, 16}), 2), InvalidInput);
}

TEST(Attention, KeepsNaNToItsOwnHead) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const auto q = at::randn({1, 40, 32}).to(dtype), k = at::randn({1, 40, 32}).to(dtype), v = at::randn({1, 40, 32}).to(dtype);
    q.select(1, 3).narrow(1, 0, 16).fill_(NAN);
    const auto out = attention(q, k, v, 2);
    EXPECT_TRUE(out.select(1, 3).narrow(1, 0, 16).isnan().all().item<bool>());
    EXPECT_EQ(out.isnan().sum().item<std::int64_t>(), 16);
  }
}

TEST(GegluFeedForwardLayer, EqualsTheDefinition) {
  const auto w1 = at::randn({96, 12}), b1 = at::randn({96}), w2 = at::randn({12, 48}).mul(0.1), b2 = at::randn({12});
  const GegluFeedForward layer(weights_of({{"net.0.proj.weight", w1}, {"net.0.proj.bias", b1}, {"net.2.weight", w2}, {"net.2.bias", b2}}), {});
  for (const std::int64_t tokens : {1, 600}) {  // one block of tokens, and more
    const auto x = at::randn({2, tokens, 12}), residual = at::randn({2, tokens, 12});
    const auto both = at::linear(f64(x), f64(w1), f64(b1));
    const auto want = at::linear(both.narrow(2, 0, 48).mul(at::gelu(both.narrow(2, 48, 48))), f64(w2), f64(b2)).add(f64(residual));
    EXPECT_LT(error(layer.plus(x, residual.clone()), want), 1e-6);
  }
}

}  // namespace
TEST(WeightCast, HalvesBecomeTheSameAsLibtorchMakesOfThem) {
  // Every half there is: subnormal ones, infinities and not-a-numbers among them, and a length that no vector divides.
  auto bits = at::arange(65536, at::kInt).sub(32768).to(at::kShort);
  const auto halves = concat({bits, bits.narrow(0, 0, 5)}, 0).view(at::kHalf);
  const auto cast = cast_weight(halves, kBf16);
  const auto expected = halves.to(at::kBFloat16);
  EXPECT_EQ(cast.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::equal(cast.isnan(), expected.isnan()));
  EXPECT_TRUE(at::equal(cast.nan_to_num(0, 3e38, -3e38), expected.nan_to_num(0, 3e38, -3e38)));
  const auto strided = halves.narrow(0, 0, 65536).view({256, 256}).t();
  EXPECT_TRUE(at::equal(cast_weight(strided, kBf16).nan_to_num(), strided.to(at::kBFloat16).nan_to_num()));
}

}  // namespace darkroom
