#include "diffusion/control.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/rand.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "diffusion/tests/golden.hpp"
#include "diffusion/unet_names.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

std::shared_ptr<const StateDict> tiny_tensors() { return std::make_shared<const StateDict>(read_safetensors(golden_model("controlnet/tiny_control_sd15.safetensors").value()).tensors); }

class Control : public testing::Test {
 protected:
  void SetUp() override {
    if (!golden_model("")) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
    unit_ = golden_unit("unet");
    model_ = load_control(tiny_tensors(), Compute{});
    call_.x = unit_.at("tiny_sd15.x"), call_.timesteps = unit_.at("tiny_sd15.timesteps"), call_.context = unit_.at("tiny_sd15.context");
  }
  ControlLink link(double strength = 1) const { return {.model = model_, .hint = unit_.at("control.hint"), .strength = strength}; }

  ControlStep step(double sigma, std::int64_t parts) const { return {*sampling_, sigma, parts, nullptr}; }

  const c10::InferenceMode guard_;
  StateDict unit_;
  std::shared_ptr<const ControlModel> model_;
  UNetCall call_;
  std::shared_ptr<const ModelSampling> sampling_ = discrete_sampling(Prediction::kEps);
};

using GoldenUnit_Control = Control;

TEST_F(GoldenUnit_Control, Matches) {
  const auto one = link();
  const auto residuals = control_residuals(&one, call_, step(5, 1)).value();
  ASSERT_EQ(residuals.skips.size(), 4U);
  for (int i = 0; i < 4; ++i) EXPECT_LT(relative_error(residuals.skips[i].narrow(1, 0, 8), unit_.at("control.output." + std::to_string(i))), 2e-4) << i;
  EXPECT_LT(relative_error(residuals.middle.narrow(1, 0, 8), unit_.at("control.middle.0")), 2e-4);
}

TEST_F(Control, SumsAChainByStrength) {
  const auto single = link(1);
  const auto one = control_residuals(&single, call_, step(5, 1)).value();
  auto first = std::make_shared<ControlLink>(link(0.5));
  auto second = link(0.75);
  second.previous = first;
  const auto sum = control_residuals(&second, call_, step(5, 1)).value();
  EXPECT_LT(relative_error(sum.skips[2], one.skips[2].mul(1.25)), 1e-6);
  EXPECT_LT(relative_error(sum.middle, one.middle.mul(1.25)), 1e-6);
  const auto nothing = link(0);
  EXPECT_FALSE(control_residuals(&nothing, call_, step(5, 1)));
}

TEST_F(Control, IsActiveInItsRange) {
  auto late = link();
  late.start_percent = 0.5, late.end_percent = 0.8;
  EXPECT_FALSE(control_residuals(&late, call_, step(sampling_->percent_to_sigma(0.4), 1)));
  EXPECT_TRUE(control_residuals(&late, call_, step(sampling_->percent_to_sigma(0.5), 1)));
  EXPECT_TRUE(control_residuals(&late, call_, step(sampling_->percent_to_sigma(0.8), 1)));
  EXPECT_FALSE(control_residuals(&late, call_, step(sampling_->percent_to_sigma(0.9), 1)));
}

TEST_F(Control, RepeatsHintsOverEachPartOfABatch) {
  UNetCall four;  // two entries of two pictures
  four.x = concat({call_.x, call_.x}), four.timesteps = concat({call_.timesteps, call_.timesteps}), four.context = concat({call_.context, call_.context});
  const auto one = link();
  const auto plain = control_residuals(&one, call_, step(5, 1)).value(), both = control_residuals(&one, four, step(5, 2)).value();
  EXPECT_LT(relative_error(both.skips[0], concat({plain.skips[0], plain.skips[0]})), 1e-6);
  // A UNet for inpainting gets more channels than its control.
  UNetCall nine = call_;
  nine.x = concat({call_.x, at::rand({2, 5, 8, 8})}, 1);
  EXPECT_LT(relative_error(control_residuals(&one, nine, step(5, 1))->skips[0], plain.skips[0]), 1e-6);
}

TEST_F(Control, RefusesWhatDoesNotFit) {
  auto odd = link();
  odd.hint = at::rand({1, 1, 64, 64});
  EXPECT_THROW(control_residuals(&odd, call_, step(5, 1)), InvalidInput);
  auto call = call_;
  call.context = at::rand({2, 77, 1024});
  const auto one = link();
  EXPECT_THROW(control_residuals(&one, call, step(5, 1)), InvalidInput);
  auto cut = *tiny_tensors();
  std::erase_if(cut, [](const auto& entry) { return entry.first.ends_with("zero_convs.3.0.weight"); });
  EXPECT_THROW(load_control(std::make_shared<const StateDict>(cut), {}), InvalidInput);
  EXPECT_THROW(load_control(std::make_shared<const StateDict>(), {}), InvalidInput);
}

TEST(ControlHint, TakesTheMiddleOfThePictureNearestExact) {
  const auto wide = at::arange(24).to(at::kFloat).reshape({1, 1, 2, 12});
  EXPECT_TRUE(resized_hint(wide, 2, 4).equal(wide.narrow(3, 4, 4)));
  EXPECT_TRUE(resized_hint(wide.transpose(2, 3), 4, 2).equal(wide.transpose(2, 3).narrow(2, 4, 4)));
  const auto square = at::arange(16).to(at::kFloat).reshape({1, 1, 4, 4});
  EXPECT_TRUE(resized_hint(square, 2, 2).flatten().equal(at::Tensor(square.slice(2, 1, 4, 2).slice(3, 1, 4, 2).flatten())));
  EXPECT_THROW(resized_hint(at::rand({3, 4, 4}), 8, 8), InvalidInput);
}

TEST(UNetNames, GivesDiffusersNamesTheirPlaces) {
  StateDict tensors;
  const auto add = [&tensors](const std::string& name) { tensors.emplace(name, at::rand({1})); };
  for (const std::string level : {"0", "1"})
    for (const std::string i : {"0", "1"}) {
      add("down_blocks." + level + ".resnets." + i + ".conv1.weight");
      add("down_blocks." + level + ".attentions." + i + ".transformer_blocks.0.attn1.to_q.weight");
    }
  add("down_blocks.0.downsamplers.0.conv.weight"), add("up_blocks.0.resnets.2.conv_shortcut.bias"), add("up_blocks.0.resnets.0.norm1.bias"), add("up_blocks.0.resnets.1.norm1.bias");
  add("up_blocks.0.upsamplers.0.conv.weight"), add("up_blocks.1.resnets.0.time_emb_proj.weight"), add("up_blocks.1.attentions.0.norm.weight");
  for (const char* name : {"conv_in.weight", "conv_out.bias", "mid_block.resnets.1.norm2.weight", "mid_block.attentions.0.proj_in.weight", "controlnet_down_blocks.3.bias", "controlnet_mid_block.weight",
                           "controlnet_cond_embedding.blocks.5.weight", "time_embedding.linear_2.weight", "something.else"})
    add(name);
  const auto renamed = ldm_names(tensors);
  EXPECT_EQ(renamed.size(), tensors.size());
  for (const char* name :
       {"input_blocks.1.0.in_layers.2.weight", "input_blocks.2.1.transformer_blocks.0.attn1.to_q.weight", "input_blocks.3.0.op.weight", "input_blocks.4.0.in_layers.2.weight",
        "input_blocks.5.1.transformer_blocks.0.attn1.to_q.weight", "output_blocks.2.0.skip_connection.bias", "output_blocks.2.1.conv.weight", "output_blocks.3.0.emb_layers.1.weight",
        "output_blocks.3.1.norm.weight", "input_blocks.0.0.weight", "out.2.bias", "middle_block.2.out_layers.0.weight", "middle_block.1.proj_in.weight", "zero_convs.3.0.bias", "middle_block_out.0.weight",
        "input_hint_block.12.weight", "time_embed.2.weight", "something.else"})
    EXPECT_TRUE(renamed.contains(name)) << name;
}

}  // namespace
}  // namespace darkroom
