#include "diffusion/unet_config.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/linspace.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/json.hpp"

namespace darkroom {
namespace {

using Numbers = std::vector<std::int64_t>;

/// The names and shapes of a full-size file as tensors that have no numbers.
StateDict skeleton(const std::string& name) {
  std::ifstream file(std::string(DARKROOM_TEST_DATA "/golden/keys/") + name + ".json", std::ios::binary);
  const auto facts = parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
  StateDict tensors;
  for (const auto& [key, entry] : facts.as_object().at("keys").as_object()) {
    Numbers sizes;
    for (const auto& size : entry.as_object().at("shape").as_array()) sizes.push_back(size.to_number<std::int64_t>());
    tensors.emplace(std::string(key), at::empty(sizes, at::TensorOptions().dtype(at::kHalf).device(at::kMeta)));
  }
  EXPECT_FALSE(tensors.empty()) << name;
  return tensors;
}

Weights below(StateDict tensors, const std::string& prefix = "model.diffusion_model.") { return Weights(std::make_shared<const StateDict>(std::move(tensors)), prefix); }

TEST(DetectUNet, ReadsTheFullSizes) {
  const auto sd15 = detect_unet(below(skeleton("sd15"))).value();
  EXPECT_EQ(sd15.family, Family::kSD15);
  EXPECT_EQ(sd15.prediction, Prediction::kEps);
  EXPECT_EQ(sd15.level_channels, (Numbers{320, 640, 1280, 1280}));
  EXPECT_EQ(sd15.residual_blocks, (Numbers{2, 2, 2, 2}));
  EXPECT_EQ(sd15.transformer_depth, (Numbers{1, 1, 1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(sd15.transformer_depth_output, (Numbers{0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(sd15.transformer_depth_middle, 1);
  EXPECT_EQ(sd15.context_dim, 768);
  EXPECT_EQ(sd15.heads, 8);
  EXPECT_EQ(sd15.head_channels, 0);
  EXPECT_FALSE(sd15.linear_projection);
  EXPECT_EQ(sd15.adm_channels, 0);

  const auto inpaint = detect_unet(below(skeleton("sd15_inpaint"))).value();
  EXPECT_EQ(inpaint.in_channels, 9);
  EXPECT_EQ(inpaint.out_channels, 4);
  EXPECT_EQ(inpaint.family, Family::kSD15);

  const auto sd2 = detect_unet(below(skeleton("sd21_768_v"))).value();
  EXPECT_EQ(sd2.family, Family::kSD2);
  EXPECT_EQ(sd2.context_dim, 1024);
  EXPECT_EQ(sd2.head_channels, 64);
  EXPECT_TRUE(sd2.linear_projection);

  const auto xl = detect_unet(below(skeleton("sdxl_base"))).value();
  EXPECT_EQ(xl.family, Family::kSDXL);
  EXPECT_EQ(xl.level_channels, (Numbers{320, 640, 1280}));
  EXPECT_EQ(xl.transformer_depth, (Numbers{0, 0, 2, 2, 10, 10}));
  EXPECT_EQ(xl.transformer_depth_output, (Numbers{10, 10, 10, 2, 2, 2, 0, 0, 0}));
  EXPECT_EQ(xl.transformer_depth_middle, 10);
  EXPECT_EQ(xl.adm_channels, 2816);
  EXPECT_EQ(xl.head_channels, 64);
  EXPECT_EQ(xl.prediction, Prediction::kEps);
}

TEST(DetectUNet, TellsPredictions) {
  const std::string bias = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias";
  auto sd2 = skeleton("sd21_768_v");
  sd2[bias] = at::linspace(-0.2, 0.2, 320);  // spread 0.116
  EXPECT_EQ(detect_unet(below(sd2))->prediction, Prediction::kV);
  sd2[bias] = at::linspace(-0.1, 0.1, 320);
  EXPECT_EQ(detect_unet(below(sd2))->prediction, Prediction::kEps);
  auto xl = skeleton("sdxl_base");
  xl["ztsnr"] = at::empty({0});
  EXPECT_FALSE(detect_unet(below(xl))->zero_terminal_snr);
  xl["v_pred"] = at::empty({0});
  EXPECT_EQ(detect_unet(below(xl))->prediction, Prediction::kV);
  EXPECT_TRUE(detect_unet(below(xl))->zero_terminal_snr);
}

TEST(DetectUNet, KnowsTheOtherMembersOfTheFamilies) {
  auto pix2pix = skeleton("sd15");
  pix2pix["model.diffusion_model.input_blocks.0.0.weight"] = at::empty({320, 8, 3, 3}, at::kMeta);
  EXPECT_EQ(detect_unet(below(pix2pix))->in_channels, 8);
  // The refiner: the texts of one encoder, another vector.
  auto refiner = skeleton("sdxl_base");
  for (auto& [name, tensor] : refiner)
    if (name.ends_with("attn2.to_k.weight") || name.ends_with("attn2.to_v.weight")) tensor = at::empty({tensor.size(0), 1280}, at::kMeta);
  refiner["model.diffusion_model.label_emb.0.0.weight"] = at::empty({1280, 2560}, at::kMeta);
  EXPECT_EQ(detect_unet(below(refiner))->family, Family::kSDXLRefiner);
}

TEST(DetectUNet, FindsNoneWhereThereIsNone) {
  EXPECT_FALSE(detect_unet(below(skeleton("clip_l_text_encoder"))));
  EXPECT_FALSE(detect_unet(below(skeleton("sd15"), "first_stage_model.")));
}

TEST(DetectUNet, SaysWhatATruncatedFileMisses) {
  const auto whole = skeleton("sd15");
  for (const std::string missing : {"input_blocks.4.0.in_layers.2.weight", "middle_block.0.out_layers.3.weight", "output_blocks.7.0.emb_layers.1.weight", "out.2.weight", "time_embed.0.weight",
                                    "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"}) {
    auto cut = whole;
    ASSERT_EQ(cut.erase("model.diffusion_model." + missing), 1U);
    try {
      detect_unet(below(cut));
      ADD_FAILURE() << missing;
    } catch (const InvalidInput& error) {
      EXPECT_NE(std::string(error.what()).find(missing), std::string::npos) << error.what();
    }
  }
  // A whole block is gone.
  auto half = whole;
  std::erase_if(half, [](const auto& entry) { return entry.first.starts_with("model.diffusion_model.output_blocks.6"); });
  EXPECT_THROW(detect_unet(below(half)), InvalidInput);
}

TEST(DetectUNet, RefusesOtherFamilies) {
  auto wide = skeleton("sd15");
  for (auto& [name, tensor] : wide)
    if (name.ends_with("attn2.to_k.weight")) tensor = at::empty({tensor.size(0), 4096}, at::kMeta);
  EXPECT_THROW(detect_unet(below(wide)), InvalidInput);
  auto upscaler = skeleton("sd21_768_v");
  upscaler["model.diffusion_model.label_emb.weight"] = at::empty({1000, 1280}, at::kMeta);
  EXPECT_THROW(detect_unet(below(upscaler)), InvalidInput);
  auto odd = skeleton("sd15");
  odd["model.diffusion_model.time_embed.0.weight"] = at::empty({1280, 64}, at::kMeta);
  EXPECT_THROW(detect_unet(below(odd)), InvalidInput);
}

}  // namespace
}  // namespace darkroom
