#include "diffusion/t2i_adapter.hpp"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "diffusion/tests/golden.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kChannels = 8;

void add(StateDict& tensors, const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
  tensors.emplace(name + ".weight", at::randn({out, in, kernel, kernel}).div_(std::sqrt(static_cast<double>(in * kernel * kernel))));
  tensors.emplace(name + ".bias", at::randn({out}).mul_(0.1));
}

/// The full form in TencentARC's names.
StateDict full(std::int64_t entry) {
  StateDict tensors;
  add(tensors, "conv_in", kChannels, entry, 3);
  std::int64_t before = kChannels;
  for (int i = 0; i < 8; ++i) {
    const std::int64_t width = kChannels << std::min(i / 2, 2);
    const auto block = "body." + std::to_string(i) + ".";
    if (width != before) add(tensors, block + "in_conv", width, before, 1);
    add(tensors, block + "block1", width, width, 3), add(tensors, block + "block2", width, width, 1);
    before = width;
  }
  return tensors;
}

StateDict light() {
  StateDict tensors;
  std::int64_t before = 192;
  for (int level = 0; level < 4; ++level) {
    const auto body = "body." + std::to_string(level) + ".";
    add(tensors, body + "in_conv", 4, before, 1);
    for (int j = 0; j < 4; ++j)
      for (const char* block : {".block1", ".block2"}) add(tensors, body + "body." + std::to_string(j) + block, 4, 4, 3);
    add(tensors, body + "out_conv", kChannels << level, 4, 1);
    before = kChannels << level;
  }
  return tensors;
}

std::shared_ptr<const StateDict> shared(StateDict tensors) { return std::make_shared<const StateDict>(std::move(tensors)); }

UNetCall call_of(std::int64_t batch, std::int64_t height, std::int64_t width) {
  UNetCall call;
  call.x = at::randn({batch, 4, height, width});
  return call;
}

ControlResiduals residuals(const StateDict& tensors, const UNetCall& call, const ControlHint& hint) { return (*load_control(shared(tensors), {})->acquire(nullptr))(call, hint); }

/// The network written down once more, with the tensor library's own layers.
std::vector<at::Tensor> by_hand(const StateDict& tensors, const at::Tensor& picture, std::int64_t scale, const std::vector<bool>& halves) {
  const auto layer = [&](const std::string& name, const at::Tensor& x) {
    const auto& weight = tensors.at(name + ".weight");
    return at::conv2d(x, weight, tensors.at(name + ".bias"), 1, weight.size(2) / 2);
  };
  std::vector<at::Tensor> features;
  auto x = layer("conv_in", at::pixel_unshuffle(picture, scale));
  for (int i = 0; i < 8; ++i) {
    const auto block = "body." + std::to_string(i);
    if (i % 2 == 0 && halves[static_cast<std::size_t>(i / 2)]) x = at::avg_pool2d(x, {2, 2}, {2, 2}, {0, 0}, true);
    if (tensors.contains(block + ".in_conv.weight")) x = layer(block + ".in_conv", x);
    x = x + layer(block + ".block2", layer(block + ".block1", x).relu());
    if (i % 2 == 1) features.push_back(x);
  }
  return features;
}

TEST(T2IAdapter, AddsFourFeaturesToTheInputBlocks) {
  const c10::InferenceMode guard;
  const auto tensors = full(192);
  const auto picture = at::rand({1, 3, 128, 64});
  const auto got = residuals(tensors, call_of(2, 16, 8), {picture});
  const auto want = by_hand(tensors, picture, 8, {false, true, true, true});
  ASSERT_EQ(got.input.size(), 12U);
  EXPECT_TRUE(got.skips.empty());
  EXPECT_FALSE(got.middle.defined());
  for (std::size_t i = 0; i < 12; ++i) ASSERT_EQ(got.input[i].defined(), i % 3 == 2) << i;
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_EQ(got.input[3 * i + 2].sizes(), want[i].sizes());
    EXPECT_LT(relative_error(got.input[3 * i + 2], want[i]), 1e-5) << i;
  }
}

TEST(T2IAdapter, OfSdxlStartsAtAQuarterAndEndsInTheMiddle) {
  const c10::InferenceMode guard;
  const auto tensors = full(256);
  const auto picture = at::rand({1, 3, 128, 64});
  const auto got = residuals(tensors, call_of(1, 16, 8), {picture});
  const auto want = by_hand(tensors, picture.mean(1, true), 16, {false, false, true, false});
  ASSERT_EQ(got.input.size(), 9U);
  EXPECT_LT(relative_error(got.input[3], want[0]), 1e-5);
  EXPECT_LT(relative_error(got.input[5], want[1]), 1e-5);
  EXPECT_LT(relative_error(got.input[8], want[2]), 1e-5);
  EXPECT_LT(relative_error(got.middle, want[3]), 1e-5);
}

TEST(T2IAdapter, ReadsDiffusersNames) {
  const c10::InferenceMode guard;
  const auto picture = at::rand({1, 3, 64, 64});
  const auto call = call_of(1, 8, 8);
  for (const bool is_light : {false, true}) {
    const auto tensors = is_light ? light() : full(64);
    StateDict renamed;
    for (const auto& [name, tensor] : tensors) {
      auto theirs = name;
      if (is_light) {
        if (const auto at = name.find(".body."); at != name.npos) theirs = name.substr(0, at) + ".resnets." + name.substr(at + 6);
      } else if (name.starts_with("body.")) {
        const auto number = name[5] - '0';
        const auto rest = name.substr(7);
        theirs = "body." + std::to_string(number / 2) + "." + (rest.starts_with("in_conv.") ? rest : "resnets." + std::to_string(number % 2) + "." + rest);
      }
      renamed.emplace("adapter." + theirs, tensor);
    }
    const auto want = residuals(tensors, call, {picture}), got = residuals(renamed, call, {picture});
    ASSERT_EQ(got.input.size(), want.input.size());
    for (std::size_t i = 2; i < 12; i += 3) EXPECT_TRUE(got.input[i].equal(want.input[i])) << i;
  }
}

TEST(T2IAdapter, GivesEachPartOfABatchItsPictures) {
  const c10::InferenceMode guard;
  const auto tensors = full(192);
  const auto pictures = at::rand({2, 3, 64, 64});
  const auto both = residuals(tensors, call_of(4, 8, 8), {pictures, 2});
  const auto second = residuals(tensors, call_of(1, 8, 8), {pictures.narrow(0, 1, 1).clone()});
  ASSERT_EQ(both.input[2].size(0), 4);
  for (const std::int64_t i : {1, 3}) EXPECT_LT(relative_error(both.input[2].narrow(0, i, 1), second.input[2]), 1e-5);
}

TEST(T2IAdapter, RefusesWhatIsIncomplete) {
  for (const char* name : {"body.3.block2.weight", "conv_in.weight", "body.2.in_conv.weight"}) {
    auto cut = full(192);
    ASSERT_EQ(cut.erase(name), 1U);
    EXPECT_THROW(residuals(cut, call_of(1, 8, 8), {at::rand({1, 3, 64, 64})}), InvalidInput) << name;
  }
  EXPECT_THROW(load_control(shared(full(100)), {}), InvalidInput);
  EXPECT_THROW(residuals(full(192), call_of(1, 8, 8), {at::rand({3, 64, 64})}), InvalidInput);
}

}  // namespace
}  // namespace darkroom
