#include "restore/upscaler.hpp"

#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.hpp"
#include "restore/padding.hpp"
#include "restore/rrdb.hpp"
#include "restore/tests/faults.hpp"
#include "restore/tiling.hpp"
#include "tensor/checkpoint.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

const std::filesystem::path kData = DARKROOM_TEST_DATA;

StateDict compact() { return load_checkpoint(kData / "restore/files/srvgg_x1_params.pth"); }

TEST(Recognise, ReadsSizesOffTheShapes) {
  const auto info = recognise_upscaler(compact()).info;
  EXPECT_EQ(info.architecture, "Compact");
  EXPECT_EQ(info.features, 12);
  EXPECT_EQ(info.blocks, 2);
  EXPECT_EQ(info.scale, 1);
  const auto old = read_upscaler(kData / "restore/files/rrdb_x4_oldkeys.safetensors");
  EXPECT_EQ(old.info.architecture, "ESRGAN");
  EXPECT_EQ(old.info.scale, 4);
  EXPECT_EQ(old.info.blocks, 1);
  EXPECT_EQ(old.info.in_channels, 3);
  EXPECT_TRUE(old.tensors.contains("body.0.rdb3.conv5.weight"));
  EXPECT_TRUE(old.tensors.contains("conv_up2.bias"));
}

TEST(Recognise, KnowsTheNamesOfBsrgan) {
  auto tensors = read_upscaler(kData / "restore/files/rrdb_x4_oldkeys.safetensors").tensors;
  StateDict renamed;
  const std::vector<std::pair<std::string, std::string>> names = {{".rdb", ".RDB"}, {"conv_body", "trunk_conv"}, {"conv_up", "upconv"}, {"conv_hr", "HRconv"}};
  for (const auto& [name, tensor] : tensors) {
    std::string other = name.starts_with("body.") ? "RRDB_trunk." + name.substr(5) : name;
    for (const auto& [from, to] : names)
      if (const auto at = other.find(from); at != std::string::npos) other.replace(at, from.size(), to);
    renamed[other] = tensor;
  }
  ASSERT_TRUE(renamed.contains("RRDB_trunk.0.RDB1.conv1.weight"));
  EXPECT_EQ(rename_rrdb(renamed).size(), tensors.size());
  EXPECT_EQ(recognise_upscaler(renamed).info.blocks, 1);
}

TEST(Recognise, RefusesWhatIsNotWhole) {
  const auto fault = [](auto change) {
    auto tensors = compact();
    change(tensors);
    return fault_of([&] { recognise_upscaler(tensors); });
  };
  EXPECT_EQ(fault([](StateDict&) {}), "accepted");
  EXPECT_THAT(fault([](StateDict& t) { t.erase("body.2.bias"); }), HasSubstr("body.2.bias is missing"));
  EXPECT_THAT(fault([](StateDict& t) { t["body.2.weight"] = at::zeros({12, 11, 3, 3}); }), HasSubstr("body.2.weight is [12,11,3,3], expected [12,12,3,3]"));
  EXPECT_THAT(fault([](StateDict& t) { t["body.2.weight"] = t["body.2.weight"].to(at::kLong); }), HasSubstr("isn't floating point"));
  EXPECT_THAT(fault([](StateDict& t) { t["body.9.bias"] = at::zeros({1}); }), HasSubstr("last layer"));
  EXPECT_THAT(fault([](StateDict& t) { t["other.weight"] = at::zeros({1}); }), HasSubstr("no upscaler"));
  EXPECT_THAT(fault([](StateDict& t) { t["body.6.weight"] = at::zeros({5, 12, 3, 3}), t["body.6.bias"] = at::zeros({5}); }), HasSubstr("no square"));
  EXPECT_THAT(fault([](StateDict& t) { t["body.0.weight"] = at::zeros({0, 3, 3, 3}); }), HasSubstr("unexpected shape"));
  EXPECT_THAT(fault([](StateDict& t) { t.clear(); }), HasSubstr("no upscaler"));
  auto rrdb = read_upscaler(kData / "restore/files/rrdb_x4_oldkeys.safetensors").tensors;
  rrdb["body.0.rdb1.conv1x1.weight"] = at::zeros({32, 64, 1, 1});
  EXPECT_THAT(fault_of([&] { recognise_upscaler(rrdb); }), HasSubstr("ESRGAN+"));
}

TEST(Recognise, CountsTheLevelsAndBlocksOfNafnet) {
  const auto deep = read_upscaler(kData / "restore/small/nafnet_deep.safetensors");
  EXPECT_EQ(deep.info,
            (UpscalerInfo{.architecture = "NAFNet", .scale = 1, .in_channels = 3, .out_channels = 3, .features = 4, .blocks = 10}));
  EXPECT_EQ(read_upscaler(kData / "restore/small/nafnet_grey.safetensors").info.in_channels, 1);
  const auto fault = [&](auto change) {
    auto tensors = deep.tensors;
    change(tensors);
    return fault_of([&] { recognise_upscaler(tensors); });
  };
  EXPECT_EQ(fault([](StateDict&) {}), "accepted");
  EXPECT_THAT(fault([](StateDict& t) { t.erase("encoders.1.1.sca.1.bias"); }), HasSubstr("encoders.1.1.sca.1.bias is missing"));
  EXPECT_THAT(fault([](StateDict& t) { t.erase("encoders.1.1.conv1.weight"); }), HasSubstr("belongs to no part"));
  EXPECT_THAT(fault([](StateDict& t) { t.erase("downs.2.weight"); }), HasSubstr("ups.1.0.weight is [32,16,1,1], expected"));
  EXPECT_THAT(fault([](StateDict& t) {
                t["decoders.0.0.beta"] = at::zeros({1, 15, 1, 1});
              }),
              HasSubstr("decoders.0.0.beta is [1,15,1,1], expected [1,16,1,1]"));
  EXPECT_THAT(fault([](StateDict& t) { t["middle_blks.0.conv2.weight"] = at::zeros({64, 1, 5, 5}); }), HasSubstr("expected [64,1,3,3]"));
  EXPECT_THAT(fault([](StateDict& t) { t["intro.weight"] = at::zeros({4, 0, 3, 3}); }), HasSubstr("unexpected shape"));
  EXPECT_THAT(fault([](StateDict& t) { t["other.weight"] = at::zeros({1}); }), HasSubstr("other.weight belongs to no part"));
  EXPECT_THAT(fault([](StateDict& t) {
                for (int i = 3; i < 9; ++i) t["downs." + std::to_string(i) + ".weight"] = at::zeros({1});
              }),
              HasSubstr("9 levels"));
  EXPECT_THAT(fault([](StateDict& t) {
                for (int i = 3; i < 8; ++i) t["downs." + std::to_string(i) + ".weight"] = at::zeros({1});
              }),
              HasSubstr("ups.7.0.weight is missing"));
}

TEST(Padding, MirrorsThenRepeats) {
  const auto row = [](std::vector<float> values) { return at::tensor(values).view({1, 1, 1, -1}); };
  const auto padded = [](const at::Tensor& x, std::int64_t multiple) {
    const auto y = mirror_to_multiple(x, multiple).select(2, 0).contiguous();
    return std::vector<float>(y.const_data_ptr<float>(), y.const_data_ptr<float>() + y.numel());
  };
  EXPECT_EQ(padded(row({0, 1, 2}), 4), (std::vector<float>{0, 1, 2, 1}));
  EXPECT_EQ(padded(row({7, 8}), 4), (std::vector<float>{7, 8, 7, 7}));
  EXPECT_EQ(padded(row({5}), 4), (std::vector<float>{5, 5, 5, 5}));
  EXPECT_EQ(padded(row({5}), 1), (std::vector<float>{5, 5}));
  EXPECT_EQ(padded(row({1, 2, 3}), 1), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(mirror_to_multiple(at::ones({2, 3, 8, 5}), 4).sizes(), (std::vector<std::int64_t>{2, 3, 8, 8}));
}

TEST(Tiling, CutsAsComfyUiDoes) {
  using Spans = std::vector<TileSpan>;
  EXPECT_EQ(tile_spans(512, {512, 32}), (Spans{{0, 512}}));
  EXPECT_EQ(tile_spans(513, {512, 32}), (Spans{{0, 512}, {480, 33}}));
  EXPECT_EQ(tile_spans(1024, {512, 32}), (Spans{{0, 512}, {480, 512}, {960, 64}}));
  EXPECT_EQ(tile_spans(992, {512, 32}), (Spans{{0, 512}, {480, 512}}));
  EXPECT_EQ(tile_spans(70, {32, 8}), (Spans{{0, 32}, {24, 32}, {48, 22}}));
  EXPECT_EQ(tile_spans(1, {512, 32}), (Spans{{0, 1}}));
}

class Doubling final : public Upscaler {
 public:
  Doubling() : Upscaler({.architecture = "test", .scale = 2}) {}
  at::Tensor forward(const at::Tensor& image, const LayerCheck& check) const override {
    check();
    if (image.size(2) > out_of_memory_above) throw std::bad_alloc();
    return image.repeat_interleave(2, 2).repeat_interleave(2, 3).mul(3);  // beyond 1: tiles have to be clamped
  }
  std::int64_t bytes() const override { return 0; }
  std::int64_t out_of_memory_above = 1 << 20;
};

TEST(Tiling, BlendsToTheSamePictureAndCountsTiles) {
  const Doubling network;
  const auto image = at::ones({2, 70, 50, 3}).mul(0.25);
  std::vector<std::int64_t> values;
  const auto result = upscale_tiled(network, image, {32, 8}, [&](auto value, auto max) { values.push_back(value); EXPECT_EQ(max, 12); }, [] {});
  EXPECT_EQ(result.sizes(), (std::vector<std::int64_t>{2, 140, 100, 3}));
  EXPECT_LT(result.sub(0.75).abs().max().item<float>(), 1e-6);
  EXPECT_EQ(values.size(), 12u);
  EXPECT_EQ(upscale_tiled(network, at::ones({1, 4, 4, 3}), {}, [](auto, auto) {}, [] {}).max().item<float>(), 1);
}

TEST(Tiling, HalvesTilesWhenMemoryIsShort) {
  Doubling network;
  network.out_of_memory_above = 128;
  const auto image = at::ones({1, 300, 140, 3}).mul(0.25);
  EXPECT_LT(upscale_tiled(network, image, {}, [](auto, auto) {}, [] {}).sub(0.75).abs().max().item<float>(), 1e-6);
  network.out_of_memory_above = 127;
  EXPECT_THROW(upscale_tiled(network, image, {}, [](auto, auto) {}, [] {}), OutOfMemory);
}

TEST(Tiling, StopsBetweenLayersAndRefusesOtherChannels) {
  struct Stop {};
  const Doubling network;
  EXPECT_THROW(upscale_tiled(network, at::ones({1, 4, 4, 3}), {}, [](auto, auto) {}, [] { throw Stop{}; }), Stop);
  EXPECT_THROW(upscale_tiled(network, at::ones({1, 4, 4, 4}), {}, [](auto, auto) {}, [] {}), InvalidInput);
}

}  // namespace
}  // namespace darkroom
