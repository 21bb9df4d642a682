#include "diffusion/preview.hpp"

#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.hpp"
#include "diffusion/tests/golden.hpp"
#include "diffusion/vae.hpp"

namespace darkroom {
namespace {

/// A latent of one pixel.
at::Tensor pixel(const std::vector<float>& channels) {
  auto latent = at::zeros({1, static_cast<std::int64_t>(channels.size()), 1, 1});
  std::int64_t c = 0;
  for (const float value : channels) latent.select(1, c++).fill_(value);
  return latent;
}

/// Levels that a running ComfyUI 0.8.0 showed of flat latents, within the steps of its JPEG.
struct Shown {
  const LatentFormat& format;
  std::vector<float> latent;
  int rgb[3];
};

TEST(LinearPreview, ShowsWhatComfyUiShows) {
  const c10::InferenceMode guard;
  const Shown shown[] = {
      {sd15_latents(), {0, 0, 0, 0}, {127, 127, 127}},
      {sd15_latents(), {0.5F, 0, 0, 0}, {149, 142, 149}},
      {sd15_latents(), {0, -0.7F, 0.3F, 0}, {87, 88, 116}},
      {sd15_latents(), {0.2F, 0.4F, -0.6F, 0.5F}, {161, 129, 82}},
      {sd15_latents(), {3, 0, 0, 0}, {255, 215, 250}},
      {sdxl_latents(), {0, 0, 0, 0}, {141, 125, 126}},
      {sdxl_latents(), {0.5F, 0, 0, 0}, {164, 152, 154}},
      {sdxl_latents(), {0, -0.7F, 0.3F, 0}, {168, 128, 116}},
      {sdxl_latents(), {0.2F, 0.4F, -0.6F, 0.5F}, {109, 111, 132}},
  };
  for (const auto& one : shown) {
    const auto picture = linear_preview(pixel(one.latent), one.format);
    ASSERT_EQ(picture.rgb.size(), 3u);
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(picture.rgb[c], one.rgb[c], 3) << c;
  }
}

TEST(LinearPreview, ShowsTheFirstOfABatchAndAllOfIt) {
  const c10::InferenceMode guard;
  auto latent = at::zeros({2, 4, 3, 5});
  latent[1].fill_(1);
  latent[0].select(1, 2).select(1, 4).fill_(1);
  const auto picture = linear_preview(latent, sd15_latents());
  EXPECT_EQ(picture.width, 5);
  EXPECT_EQ(picture.height, 3);
  EXPECT_EQ(picture.rgb.front(), 127);
  EXPECT_NE(picture.rgb[picture.rgb.size() - 3], 127);
}

TEST(LinearPreview, StaysWithinLevelsAndSurvivesNaN) {
  const c10::InferenceMode guard;
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  EXPECT_EQ(linear_preview(pixel({nan, 0, 0, 0}), sd15_latents()).rgb, (std::vector<std::uint8_t>{0, 0, 0}));
  EXPECT_EQ(linear_preview(pixel({infinite, 0, 0, 0}), sd15_latents()).rgb, (std::vector<std::uint8_t>{255, 255, 255}));
  EXPECT_EQ(linear_preview(pixel({-1e9F, 0, 0, 0}), sd15_latents()).rgb, (std::vector<std::uint8_t>{0, 0, 0}));
  EXPECT_THROW(linear_preview(pixel({0, 0, 0}), sd15_latents()), InvalidInput);
}

TEST(TaesdPreview, IsThePictureThatTaesdDecodes) {
  const auto file = golden_model("vae_approx/taesd_decoder.safetensors");
  if (!file) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const c10::InferenceMode guard;
  const auto golden = golden_unit("vae");
  const auto decoder = weights_of(*file);
  const auto picture = decoded_preview(golden.at("z").mul(sd15_latents().scale), *load_taesd(nullptr, &decoder, 1));
  const auto want = golden.at("taesd.decoded").mul(255).to(at::kByte).flatten();
  ASSERT_EQ(static_cast<std::int64_t>(picture.rgb.size()), want.numel());
  for (std::int64_t i = 0; i < want.numel(); ++i) ASSERT_NEAR(picture.rgb[static_cast<std::size_t>(i)], want.const_data_ptr<std::uint8_t>()[i], 1);
}

}  // namespace
}  // namespace darkroom
