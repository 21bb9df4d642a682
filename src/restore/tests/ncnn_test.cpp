// ncnn's files: the networks that they hold, and files that are broken.

#include "restore/ncnn.hpp"

#include <ATen/ops/ones.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "restore/tests/faults.hpp"
#include "tensor/tests/scratch.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

const std::filesystem::path kData = DARKROOM_TEST_DATA, kSmall = kData / "restore/small";
const std::filesystem::path kShipped = kData.parent_path().parent_path() / "models/upscale_models";

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(Ncnn, ReadsTheShippedNetworks) {
  for (const auto& [name, scale] :
       {std::pair{"realesr-animevideov3-x4.param", 4}, {"realesr-animevideov3-x3.param", 3}, {"realesr-animevideov3-x2.param", 2}}) {
    const auto weights = read_upscaler(kShipped / name);
    EXPECT_EQ(weights.info.architecture, "Compact");
    EXPECT_EQ(weights.info.scale, scale);
    EXPECT_EQ(weights.info.features, 64);
    EXPECT_EQ(weights.info.blocks, 16);
    std::int64_t numbers = 0;
    for (const auto& [key, tensor] : weights.tensors) numbers += tensor.numel();
    EXPECT_EQ(weights.tensors.size(), 53u);
    EXPECT_EQ(numbers, 621'424);
  }
}

/// A pair with changes, the shipped 4x one unless told otherwise; gives the error's text.
struct Pair {
  explicit Pair(const std::filesystem::path& at = kShipped / "realesr-animevideov3-x4")
      : param(content(at.string() + ".param")), binary(content(at.string() + ".bin")) {}
  std::string param, binary;
  void replace(const std::string& from, const std::string& to) {
    const auto at = param.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    param.replace(at, from.size(), to);
  }
  std::string fault() const {
    Scratch scratch;
    scratch.write("n.bin", binary);
    const auto path = scratch.write("n.param", param);
    return fault_of([&] { read_upscaler(path); });
  }
};

TEST(Ncnn, RefusesBrokenFiles) {
  EXPECT_EQ(Pair().fault(), "accepted");
  const auto with = [](auto change) {
    Pair pair;
    change(pair);
    return pair.fault();
  };
  EXPECT_THAT(with([](Pair& p) { p.param = "hello"; }), HasSubstr("n.param: not the text form"));
  EXPECT_THAT(with([](Pair& p) { p.param += "Noop x 0 0\n"; }), HasSubstr("layers and says"));
  EXPECT_THAT(with([](Pair& p) { p.replace("7767517\n40", "7767517\n99999999999999999999999"); }), HasSubstr("isn't a number"));
  EXPECT_THAT(with([](Pair& p) { p.binary.pop_back(); }), HasSubstr("n.bin: it is too short"));
  EXPECT_THAT(with([](Pair& p) { p.binary += "more"; }), HasSubstr("n.bin: 4 bytes are left over"));
  EXPECT_THAT(with([](Pair& p) { p.binary.replace(0, 4, "\x38\x4b\x0d\x00", 4); }), HasSubstr("int8"));
  EXPECT_THAT(with([](Pair& p) { p.replace("0=64 1=3", "0=64 1=1e99"); }), HasSubstr("isn't an integer"));
  EXPECT_THAT(with([](Pair& p) { p.replace("0=64 1=3", "0=0 1=3"); }), HasSubstr("impossible sizes"));
  EXPECT_THAT(with([](Pair& p) { p.replace("PReLU ", "Softmax "); }), HasSubstr("Softmax"));
  EXPECT_THAT(with([](Pair& p) { p.replace("PixelShuffle", "Sigmoid     "); }), HasSubstr("Sigmoid"));
  EXPECT_THAT(with([](Pair& p) {
                p.replace("BinaryOp                 Add_38                   2 1 106 111 output",
                          "BinaryOp                 Add_38                   2 1 106 111 output 0=2");
              }),
              HasSubstr("isn't a sum"));
  EXPECT_THAT(with([](Pair& p) { p.replace("1 1 54 56 0=64", "1 1 nowhere 56 0=64"); }), HasSubstr("isn't made before"));
  EXPECT_THAT(with([](Pair& p) { p.replace("1 1 57 59 0=64", "1 1 56 59 0=64"); }), HasSubstr("no network that we run"));
  Scratch scratch;
  const auto lonely = scratch.write("n.param", Pair().param);
  EXPECT_THROW(read_upscaler(lonely), NotFound);
}

TEST(Ncnn, AGraphHasALimit) {
  constexpr std::size_t kMost = 16u << 20;
  Pair pair;
  pair.param.resize(kMost, '\n');  // blank lines at the end
  EXPECT_EQ(pair.fault(), "accepted");
  pair.param += '\n';
  EXPECT_THAT(pair.fault(), HasSubstr("too large"));
}

constexpr const char* kTiny[] = {"srmd_tiny", "srmdnf_tiny", "upconv7_tiny", "cunet_tiny_x1", "cunet_tiny_x2"};

TEST(Ncnn, TellsTheFamiliesApart) {
  const auto info = [](const char* name) { return read_upscaler(kSmall / (std::string(name) + ".param")).info; };
  EXPECT_EQ(info("srmd_tiny"),
            (UpscalerInfo{.architecture = "SRMD", .scale = 4, .features = 16, .blocks = 12, .border = 12, .takes_noise = true}));
  EXPECT_EQ(info("srmdnf_tiny"), (UpscalerInfo{.architecture = "SRMDNF", .scale = 2, .features = 8, .blocks = 12, .border = 12}));
  EXPECT_EQ(info("upconv7_tiny"),
            (UpscalerInfo{.architecture = "waifu2x UpConv7", .scale = 2, .features = 16, .blocks = 7, .border = 7, .inset = 7}));
  EXPECT_EQ(info("cunet_tiny_x1"),
            (UpscalerInfo{.architecture = "waifu2x CUNet", .scale = 1, .features = 8, .blocks = 6, .border = 28, .inset = 28}));
  EXPECT_EQ(info("cunet_tiny_x2"),
            (UpscalerInfo{.architecture = "waifu2x CUNet", .scale = 2, .features = 8, .blocks = 6, .border = 18, .inset = 18}));
}

TEST(Ncnn, RefusesGraphsThatAreNearlyThose) {
  const auto with = [](const char* name, auto change) {
    Pair pair(kSmall / name);
    change(pair);
    return pair.fault();
  };
  for (const char* name : kTiny) EXPECT_EQ(with(name, [](Pair&) {}), "accepted") << name;
  const auto swap = [](const char* from, const char* to) { return [=](Pair& pair) { pair.replace(from, to); }; };
  EXPECT_THAT(with("srmd_tiny", swap("9=1\n", "9=3\n")), HasSubstr("another activation"));
  EXPECT_THAT(with("srmd_tiny", swap("9=1\n", "9=4\n")), HasSubstr("no network that we run"));
  EXPECT_THAT(with("srmd_tiny", swap("4=1 ", "4=0 ")), HasSubstr("no network that we run"));
  EXPECT_THAT(with("srmd_tiny", swap("4=1 ", "4=1 14=0 ")), HasSubstr("isn't square"));
  EXPECT_THAT(with("srmd_tiny", swap("4=1 ", "4=1 2=2 ")), HasSubstr("without dilation"));
  EXPECT_THAT(with("srmd_tiny", swap("output 0=4", "output 0=2")), HasSubstr("doesn't fit"));
  EXPECT_THAT(with("upconv7_tiny", swap("1.000000e-01", "2.000000e-01")), HasSubstr("no network that we run"));
  EXPECT_THAT(with("upconv7_tiny", swap("3=2 4=3 ", "3=2 4=1 ")), HasSubstr("no network that we run"));
  EXPECT_THAT(with("upconv7_tiny", swap("3=2 4=3 ", "3=2 4=3 18=1 ")), HasSubstr("isn't square"));
  EXPECT_THAT(with("cunet_tiny_x2", swap("0=20 1=20", "0=20 1=16")), HasSubstr("crop"));
  EXPECT_THAT(with("cunet_tiny_x2", swap("0=20 1=20", "0=16 1=16")), HasSubstr("no network that we run"));
  EXPECT_THAT(with("cunet_tiny_x2", swap("Scale1 0=-233", "Scale1 0=8")), HasSubstr("doesn't take its factors"));
  EXPECT_THAT(with("cunet_tiny_x2", swap("Pooling1 0=1 4=1", "Pooling1 0=0 4=1")), HasSubstr("isn't the mean"));
  EXPECT_THAT(with("cunet_tiny_x2", swap("Eltwise1 0=1", "Eltwise1 0=2")), HasSubstr("isn't a sum"));
  EXPECT_THAT(with("cunet_tiny_x2", swap("2=16 9=1", "2=15 9=1")), HasSubstr("impossible sizes"));
  EXPECT_THAT(with("cunet_tiny_x2", [](Pair& pair) { pair.binary.resize(pair.binary.size() / 2); }), HasSubstr("n.bin: it is too short"));
}

/// Refuses, or computes something: never more. The picture is as large as the widest border.
int refused_of(const Pair& good, int rounds, std::uint32_t random) {
  const c10::InferenceMode guard;
  const auto next = [&random] { return random = random * 1664525u + 1013904223u, random >> 4; };
  Scratch scratch;
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    Pair bad = good;
    if (round % 5 == 0) bad.param.resize(next() % bad.param.size());
    for (unsigned i = 0, n = 1 + next() % 3; i < n && !bad.param.empty(); ++i)
      bad.param[next() % bad.param.size()] = static_cast<char>(round % 2 ? "0123456789=-., \n"[next() % 16] : next());
    if (round % 7 == 0) bad.binary.resize(next() % bad.binary.size());
    if (round % 7 < 3) bad.binary[next() % bad.binary.size()] = static_cast<char>(next());
    scratch.write("n.bin", bad.binary);
    const auto path = scratch.write("n.param", bad.param);
    try {
      const auto weights = read_upscaler(path);
      if (weights.info.features < 32) make_upscaler(weights, {})->forward(at::ones({1, weights.info.in_channels, 60, 60}), [] {});
    } catch (const Error&) {
      ++refused;
    }
  }
  return refused;
}

TEST(Ncnn, SurvivesMutations) {
  EXPECT_GT(refused_of(Pair(), 400, 3), 100);
  for (const char* name : kTiny) EXPECT_GT(refused_of(Pair(kSmall / name), 300, 5), 75) << name;
}

}  // namespace
}  // namespace darkroom
