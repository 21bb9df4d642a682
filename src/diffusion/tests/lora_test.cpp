// Patched weights against the recorded ones (tests/data/golden/unit/lora.json), and files that fit nothing.

#include "diffusion/lora.hpp"

#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/json.hpp"
#include "diffusion/clip.hpp"
#include "diffusion/tests/golden.hpp"
#include "tensor/checkpoint.hpp"

namespace darkroom {
namespace {

json::array recorded() {
  const char* folder = std::getenv("DARKROOM_GOLDEN_UNIT");
  std::ifstream file(std::filesystem::path(folder && *folder ? folder : DARKROOM_TEST_DATA "/golden/unit") / "lora.json");
  return parse_json(std::string(std::istreambuf_iterator<char>(file), {})).as_object().at("items").as_array();
}

/// The part that is recorded: rows 0..7, columns 0..31 of the flattened weight; of a bias its first elements.
at::Tensor corner(const at::Tensor& weight, const at::Tensor& like) {
  if (weight.dim() == 1) return weight.narrow(0, 0, like.numel()).reshape(like.sizes());
  return weight.reshape({weight.size(0), -1}).narrow(0, 0, like.size(0)).narrow(1, 0, like.size(1));
}

TEST(GoldenUnit_Lora, patched_weights) {
  const auto path = golden_model("checkpoints/tiny_sd15.safetensors");
  if (!path) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const auto checkpoint = std::make_shared<const StateDict>(load_checkpoint(*path));
  const Weights unet(checkpoint, "model.diffusion_model.");
  const auto clip = load_checkpoint_clip(checkpoint);
  const auto wanted = golden_unit("lora");
  static constexpr std::string_view kUNet = "diffusion_model.";
  for (const auto& value : recorded()) {
    const auto& item = value.as_object();
    const auto name = std::string(item.at("weight").as_string()), key = std::string(item.at("key").as_string());
    const auto file = read_lora(load_checkpoint(*golden_model("loras/" + std::string(item.at("lora").as_string()) + ".safetensors")));
    const auto& want = wanted.at(key);
    std::vector<std::string> used;
    if (name.starts_with(kUNet)) {
      const auto patched = unet.patched(lora_patch(std::make_shared<const LoraTargets>(unet_targets(file, unet, used)), item.at("strength_model").to_number<double>()));
      EXPECT_LT(relative_error(corner(patched.get(name.substr(kUNet.size())), want), want), 2e-6) << key;
    } else {
      const auto targets = std::make_shared<const LoraTargets>(clip_targets(file, clip->weight_names(), used));
      ASSERT_TRUE(targets->weights.contains(name)) << key;
      const auto patched = clip->with_patches(lora_patch(targets, item.at("strength_clip").to_number<double>()));
      const auto error = [&](const Clip& encoder) { return relative_error(corner(encoder.weights().get(name).to(at::kHalf).to(at::kFloat), want), want); };
      // One record holds the weight as it was before the patch; the case lora_full has what that patch does.
      const bool before = item.at("lora").as_string() == "lora_kohya";
      EXPECT_LT(error(before ? *clip : *patched), 2e-6) << key;
    }
  }
}

WeightDelta low_rank(at::Tensor up, at::Tensor down) { return {{{"up", std::move(up)}, {"down", std::move(down)}}}; }

TEST(Lora, ranks_that_differ_are_refused) {
  EXPECT_THROW(apply_delta(at::zeros({4, 6}), low_rank(at::zeros({4, 2}), at::zeros({3, 6})), 1), InvalidInput);
}

TEST(Lora, a_delta_of_another_shape_changes_nothing) {
  auto targets = std::make_shared<LoraTargets>();
  targets->weights["proj.weight"] = low_rank(at::randn({5, 2}), at::randn({2, 6}));
  const auto weight = at::randn({4, 6});
  EXPECT_TRUE(lora_patch(targets, 1)("proj.weight", weight).equal(weight));
}

TEST(Lora, half_a_file_says_what_is_missing) {
  try {
    apply_delta(at::zeros({4, 6}), {{{"up", at::zeros({4, 2})}}}, 1);
    FAIL();
  } catch (const InvalidInput& error) {
    EXPECT_NE(std::string(error.what()).find("down"), std::string::npos) << error.what();
  }
}

TEST(Lora, kohya_names_of_diffusers_blocks) {
  const auto path = golden_model("checkpoints/tiny_sd15.safetensors");
  if (!path) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const auto checkpoint = std::make_shared<const StateDict>(load_checkpoint(*path));
  const auto names = diffusers_module_names(Weights(checkpoint, "model.diffusion_model."));
  EXPECT_EQ(names.at("input_blocks.1.0.in_layers.2"), "down_blocks.0.resnets.0.conv1");
  EXPECT_EQ(names.at("middle_block.1.transformer_blocks.0.attn2.to_out.0"), "mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0");
  EXPECT_EQ(names.at("time_embed.0"), "time_embedding.linear_1");
}

}  // namespace
}  // namespace darkroom
