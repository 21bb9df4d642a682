#include "diffusion/unet.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.hpp"
#include "diffusion/tests/golden.hpp"
#include "diffusion/tests/small_unet.hpp"
#include "diffusion/unet_patches.hpp"
#include "tensor/tests/test_device.hpp"

namespace darkroom {
namespace {

constexpr const char* kPrefix = "model.diffusion_model.";

UNet make_unet(const std::string& name, const Compute& compute = test_compute()) {
  const auto weights = weights_of(golden_model("checkpoints/" + name + ".safetensors").value()).below(kPrefix);
  return UNet(weights, detect_unet(weights).value(), compute);
}

/// "input_blocks.3", as the recordings name it.
std::string name_of(const UNetPlace& place) {
  if (place.part == UNetPart::kMiddle) return "middle_block";
  return (place.part == UNetPart::kInput ? "input_blocks." : "output_blocks.") + std::to_string(place.block);
}

UNetCall call_of(const StateDict& unit, const std::string& model) {
  UNetCall call;
  call.x = unit.at(model + ".x"), call.timesteps = unit.at(model + ".timesteps"), call.context = unit.at(model + ".context");
  if (const auto y = unit.find(model + ".y"); y != unit.end()) call.y = y->second;
  return call;
}

class GoldenUnit_UNet : public testing::TestWithParam<std::string> {};

TEST_P(GoldenUnit_UNet, Matches) {
  const c10::InferenceMode guard;
  if (!golden_model("")) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const auto unit = golden_unit("unet");
  const auto& model = GetParam();
  const auto unet = make_unet(model);
  std::map<std::string, at::Tensor> seen;
  UNetPatches patches;
  patches.after_block.push_back([&](const at::Tensor& h, const UNetPlace& place) {
    seen[name_of(place)] = h.narrow(1, 0, 8).clone();
    return h;
  });
  auto call = call_of(unit, model);
  call.patches = &patches;
  const auto eps = unet(call);
  std::size_t compared = 0;
  const auto prefix = model + ".after.";
  for (const auto& [name, want] : unit) {
    if (!name.starts_with(prefix)) continue;
    ASSERT_TRUE(seen.contains(name.substr(prefix.size()))) << name;
    EXPECT_LT(relative_error(seen.at(name.substr(prefix.size())).cpu(), want), 2e-4) << name;
    ++compared;
  }
  EXPECT_EQ(compared, seen.size());
  const auto error = relative_error(eps, unit.at(model + ".eps"));
  std::cout << model << ": relative error " << error << '\n';
  EXPECT_LT(error, 2e-4);
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenUnit_UNet, testing::Values("tiny_sd15", "tiny_sdxl", "tiny_sd2_v"), [](const auto& instance) { return instance.param; });

TEST(UNet, TakesAnySizeAndBatch) {
  const c10::InferenceMode guard;
  at::Generator(at::detail::getDefaultCPUGenerator()).set_current_seed(1);  // groups of a pixel magnify rounding, in some draws a hundredfold
  const auto unet = SmallUNet().make();
  for (const auto& [height, width] : {std::pair{8, 8}, {7, 9}, {1, 1}, {13, 2}, {16, 33}}) {
    const auto call = random_call(3, height, width);
    const auto all = unet(call);
    ASSERT_EQ(all.sizes(), call.x.sizes());
    EXPECT_TRUE(all.isfinite().all().item<bool>());
    // Pictures do not see each other.
    for (std::int64_t i = 0; i < 3; ++i) {
      UNetCall one;
      one.x = call.x.narrow(0, i, 1), one.timesteps = call.timesteps.narrow(0, i, 1), one.context = call.context.narrow(0, i, 1);
      EXPECT_LT(relative_error(unet(one), all.narrow(0, i, 1)), 3e-4);
    }
  }
}

TEST(UNet, KeepsNothingOfOtherTexts) {
  const c10::InferenceMode guard;
  const auto unet = SmallUNet().make();
  auto call = random_call(1, 8, 8);
  const auto first = unet(call);
  EXPECT_TRUE(unet(call).equal(first));
  for (int i = 0; i < 8; ++i) {  // tensors come and go at the same addresses
    auto other = call;
    other.context = at::randn({1, 77, 768});
    EXPECT_GT(relative_error(unet(other), first), 1e-3);
  }
  EXPECT_TRUE(unet(call).equal(first));
  call.timesteps = call.timesteps.add(1);
  EXPECT_GT(relative_error(unet(call), first), 1e-5);
}

TEST(UNet, RefusesWhatDoesNotFit) {
  const auto unet = SmallUNet().make();
  const auto good = random_call(2, 8, 8);
  const auto refused = [&](auto change) {
    auto call = good;
    change(call);
    EXPECT_THROW(unet(call), InvalidInput);
  };
  refused([](UNetCall& call) { call.x = at::randn({2, 9, 8, 8}); });
  refused([](UNetCall& call) { call.x = at::randn({2, 4, 0, 8}); });
  refused([](UNetCall& call) { call.timesteps = at::ones({3}); });
  refused([](UNetCall& call) { call.context = at::randn({2, 77, 1024}); });
  refused([](UNetCall& call) { call.context = at::randn({1, 77, 768}); });
  refused([](UNetCall& call) { call.context = at::Tensor(); });
  ControlResiduals control;
  control.skips.resize(13);
  refused([&](UNetCall& call) { call.control = &control; });
}

TEST(UNet, SaysWhichTensorIsMissingOrOdd) {
  const SmallUNet whole;
  const auto config = detect_unet(whole.weights()).value();
  for (const std::string name : {"input_blocks.1.1.transformer_blocks.0.ff.net.2.weight", "output_blocks.3.0.out_layers.3.weight", "middle_block.1.norm.bias", "out.0.bias", "input_blocks.2.0.op.bias"}) {
    auto cut = whole;
    ASSERT_EQ(cut.tensors().erase(name), 1U);
    if (name.ends_with("op.bias")) {
      EXPECT_NO_THROW(UNet(cut.weights(), config, {}));  // a convolution may have none
      continue;
    }
    try {
      UNet(cut.weights(), config, {});
      ADD_FAILURE() << name;
    } catch (const InvalidInput& error) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
  }
  for (const std::string name : {"input_blocks.1.0.in_layers.2.weight", "output_blocks.2.1.proj_in.weight", "input_blocks.1.0.emb_layers.1.weight", "middle_block.1.transformer_blocks.0.attn2.to_v.weight", "out.2.weight"}) {
    auto odd = whole;
    odd.tensors()[name] = at::randn({48, 48});
    EXPECT_THROW(UNet(odd.weights(), config, {}), InvalidInput) << name;
  }
}

TEST(UNet, IsInterruptedAtAnyBlock) {
  const auto unet = SmallUNet().make();
  struct Interrupted {};
  auto call = random_call(1, 8, 8);
  int blocks = 0;
  call.check = [&] { ++blocks; };
  unet(call);
  EXPECT_EQ(blocks, 9);  // 4 input, middle, 4 output
  for (int stop = 0; stop < blocks; ++stop) {
    call.check = [left = stop]() mutable { if (left-- == 0) throw Interrupted(); };
    EXPECT_THROW(unet(call), Interrupted);
  }
}

TEST(UNet, LetsPatchesIn) {
  const c10::InferenceMode guard;
  const auto unet = SmallUNet().make();
  auto call = random_call(2, 8, 8);
  const auto plain = unet(call);

  // Hooks that change nothing change nothing, and see each place once.
  UNetPatches same;
  std::vector<std::int64_t> numbers;
  int blocks = 0, skips = 0;
  same.after_block = {[&](const at::Tensor& h, const UNetPlace& place) {
    EXPECT_EQ(place.height, h.size(2));
    EXPECT_EQ(place.call->x.size(2), 8);
    ++blocks;
    return h;
  }};
  same.after_skip = {[](const at::Tensor& h, const UNetPlace&) { return h; }};
  same.before_output = {[&](at::Tensor&, at::Tensor&, const UNetPlace&) { ++skips; }};
  same.attn1_input = same.attn2_input = {[](AttentionSources&, const UNetPlace&) {}};
  same.attn1_replace = same.attn2_replace = {[](const at::Tensor&, const at::Tensor&, const at::Tensor&, const UNetPlace&) { return at::Tensor(); }};
  same.attn1_output = same.attn2_output = {[](const at::Tensor& x, const UNetPlace&) { return x; }};
  same.between_attentions = {[&](const at::Tensor& x, const UNetPlace& place) {
    EXPECT_EQ(place.heads, 8);
    EXPECT_EQ(x.size(1), place.height * place.width);
    numbers.push_back(place.number);
    return x;
  }};
  call.patches = &same;
  EXPECT_LT(relative_error(unet(call), plain), 1e-5);
  EXPECT_EQ(blocks, 9);
  EXPECT_EQ(skips, 4);
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{0, 1, 2, 3}));

  // Each one alone changes the picture.
  const auto changes = [&](auto set) {
    UNetPatches patches;
    set(patches);
    call.patches = &patches;
    EXPECT_GT(relative_error(unet(call), plain), 1e-4);
    call.patches = nullptr;
  };
  const UNetPatches::OnImage doubled = [](const at::Tensor& h, const UNetPlace& place) { return place.part == UNetPart::kInput && place.block == 1 ? h.mul(2) : h; };
  changes([&](UNetPatches& p) { p.after_block = {doubled}; });
  changes([&](UNetPatches& p) { p.after_skip = {doubled}; });
  changes([](UNetPatches& p) { p.before_output = {[](at::Tensor&, at::Tensor& skip, const UNetPlace&) { skip = skip.mul(0.5); }}; });
  changes([](UNetPatches& p) { p.attn1_input = {[](AttentionSources& from, const UNetPlace&) { from.values = from.values.mul(2); }}; });
  changes([](UNetPatches& p) { p.attn2_input = {[](AttentionSources& from, const UNetPlace&) { from.values = from.values.mul(2); }}; });
  changes([](UNetPatches& p) { p.attn1_replace = {[](const at::Tensor&, const at::Tensor&, const at::Tensor& v, const UNetPlace&) { return v; }}; });
  changes([](UNetPatches& p) { p.attn1_output = {[](const at::Tensor& x, const UNetPlace&) { return x.mul(2); }}; });
  changes([](UNetPatches& p) { p.between_attentions = {[](const at::Tensor& x, const UNetPlace&) { return x.mul(2); }}; });

  // A smaller image below a block (deep shrink) comes back to the skips' size.
  UNetPatches shrink;
  shrink.after_skip = {[](const at::Tensor& h, const UNetPlace& place) { return place.block == 1 ? h.slice(2, 0, h.size(2), 2).slice(3, 0, h.size(3), 2) : h; }};
  call.patches = &shrink;
  EXPECT_EQ(unet(call).sizes(), call.x.sizes());
}

TEST(UNet, AddsControls) {
  const c10::InferenceMode guard;
  const auto unet = SmallUNet().make();
  auto call = random_call(2, 8, 8);
  const auto plain = unet(call);
  ControlResiduals none, some;
  call.control = &none;
  EXPECT_TRUE(unet(call).equal(plain));
  some.skips.resize(2);
  some.skips[1] = at::ones({2, 64, 8, 8});
  call.control = &some;
  const auto skip = unet(call);
  EXPECT_GT(relative_error(skip, plain), 1e-4);
  some.middle = at::ones({1, 64, 4, 4});
  EXPECT_GT(relative_error(unet(call), skip), 1e-4);
}

TEST(UNet, IsTheSameInBf16ButForRounding) {
  const c10::InferenceMode guard;
  if (!golden_model("")) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const auto unit = golden_unit("unet");
  const auto eps = make_unet("tiny_sd15", {.dtype = at::kBFloat16})(call_of(unit, "tiny_sd15"));
  EXPECT_EQ(eps.scalar_type(), at::kFloat);
  const auto db = psnr(eps, unit.at("tiny_sd15.eps"));
  std::cout << "tiny_sd15: bf16 " << db << " dB\n";
  EXPECT_GT(db, 35);
}

}  // namespace
}  // namespace darkroom
