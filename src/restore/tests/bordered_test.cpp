// Networks that see a border around a picture: what they see there, and that their tiles leave no trace.

#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/replication_pad2d.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.hpp"
#include "restore/doubling_conv.hpp"
#include "restore/tests/faults.hpp"
#include "restore/tiling.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

const std::filesystem::path kSmall = std::filesystem::path(DARKROOM_TEST_DATA) / "restore/small";

std::unique_ptr<Upscaler> network(const std::string& name, const Compute& compute = {}) {
  return make_upscaler(read_upscaler(kSmall / (name + ".param")), compute);
}

at::Tensor tiled(const Upscaler& upscaler, const at::Tensor& image, const Tiling& tiling) {
  return upscale_tiled(
      upscaler, image, tiling, [](auto, auto) {}, [] {});
}

float difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.sub(b).abs().max().item<float>();
}

TEST(Bordered, SeeTheEdgeRepeated) {
  const c10::InferenceMode guard;
  for (const char* name : {"srmd_tiny", "srmdnf_tiny", "upconv7_tiny", "cunet_tiny_x2"}) {
    const auto upscaler = network(name);
    const std::int64_t border = upscaler->info().border, scale = upscaler->info().scale, cut = (border - upscaler->info().inset) * scale;
    for (const auto& [height, width] : {std::pair{1, 1}, {2, 31}, {16, 9}}) {
      const auto image = at::rand({1, height, width, 3});
      const auto y = upscaler->forward(at::replication_pad2d(image.permute({0, 3, 1, 2}), {border, border, border, border}), [] {});
      const auto want = y.narrow(2, cut, height * scale).narrow(3, cut, width * scale).clamp(0, 1).permute({0, 2, 3, 1});
      EXPECT_LT(difference(tiled(*upscaler, image, {}), want), 1e-6) << name << " " << height << "x" << width;
    }
  }
}

/// As far as a pixel's value comes from, tiles have their neighbours. CUNet also averages over its tile.
TEST(Bordered, LeaveNoTraceOfTiles) {
  const c10::InferenceMode guard;
  const auto image = at::rand({2, 61, 47, 3});
  for (const char* name : {"srmd_tiny", "srmdnf_tiny", "upconv7_tiny"}) {
    const auto upscaler = network(name);
    const auto whole = tiled(*upscaler, image, {});
    for (const Tiling& tiling : {Tiling{24, 4}, Tiling{16, 0}, Tiling{33, 8}})
      EXPECT_LT(difference(tiled(*upscaler, image, tiling), whole), 5e-6) << name;
  }
}

TEST(Bordered, KeepTheirPictureInBf16) {
  const c10::InferenceMode guard;
  const auto image = at::rand({1, 40, 33, 3});
  for (const char* name : {"srmd_tiny", "upconv7_tiny", "cunet_tiny_x2"}) {
    const double error =
        tiled(*network(name, {.dtype = at::kBFloat16}), image, {}).sub(tiled(*network(name), image, {})).square().mean().item<double>();
    EXPECT_LT(error, 2e-5) << name;  // 47 dB, of random weights and noise for a picture
  }
}

TEST(Srmd, IsToldTheNoise) {
  const c10::InferenceMode guard;
  const auto upscaler = network("srmd_tiny");
  const auto image = at::rand({1, 3, 8, 8});
  const auto at_noise = [&](double sigma) { return upscaler->at_noise(sigma)->forward(image, [] {}); };
  EXPECT_EQ(difference(at_noise(3), upscaler->forward(image, [] {})), 0);  // what it takes untold
  EXPECT_GT(difference(at_noise(30), at_noise(3)), 1e-3);
  EXPECT_EQ(difference(at_noise(30), upscaler->at_noise(3)->at_noise(30)->forward(image, [] {})), 0);
  for (const char* other : {"srmdnf_tiny", "upconv7_tiny"})
    EXPECT_THAT(fault_of([&] { network(other)->at_noise(3); }), HasSubstr("can't be told")) << other;
}

TEST(Upconv7, RefusesLessThanItsBorder) {
  const c10::InferenceMode guard;
  const auto upscaler = network("upconv7_tiny");
  EXPECT_EQ(upscaler->forward(at::rand({1, 3, 15, 15}), [] {}).sizes(), (std::vector<std::int64_t>{1, 3, 2, 2}));
  EXPECT_THROW(upscaler->forward(at::rand({1, 3, 15, 14}), [] {}), InvalidInput);
}

TEST(DoublingConv, EqualsTheTransposedOne) {
  const c10::InferenceMode guard;
  const auto x = at::randn({2, 16, 6, 9}), weight = at::randn({16, 3, 4, 4}), bias = at::randn({3});
  const auto want = at::conv_transpose2d(x, weight, bias, 2, 3);
  const auto got =
      at::pixel_shuffle(doubling_conv(weight, bias, {})(x.contiguous(at::MemoryFormat::ChannelsLast)).narrow(2, 1, 4).narrow(3, 1, 7), 2);
  EXPECT_LT(difference(got, want), 1e-4);
}

}  // namespace
}  // namespace darkroom
