#include "restore/classical.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

const ClassicalProgress kQuiet = [](auto, auto) {};

/// A smooth picture with an edge: [1,h,w,3].
at::Tensor scene(std::int64_t height, std::int64_t width, bool grey = false) {
  const at::Tensor x = at::linspace(0, 1, width).view({1, 1, width, 1}), y = at::linspace(0, 1, height).view({1, height, 1, 1});
  at::Tensor image = (0.3 + 0.4 * x + 0.2 * y * at::ones({3})).expand({1, height, width, 3}).contiguous();
  image.narrow(2, width / 2, width - width / 2).mul_(0.6);
  if (!grey) image.select(3, 0).mul_(0.8);
  return image;
}

at::Tensor noisy(const at::Tensor& image, double sigma, bool grey = false) {
  auto chance = at::detail::createCPUGenerator(7);
  auto sizes = image.sizes().vec();
  if (grey) sizes.back() = 1;
  return (image + at::randn(sizes, chance) * (sigma / 255)).clamp(0, 1).contiguous();
}

double psnr(const at::Tensor& a, const at::Tensor& b) { return -10 * std::log10((a - b).square().mean().item<double>()); }

TEST(Classical, NoiseIsTakenAway) {
  for (const bool grey : {false, true}) {
    const at::Tensor clean = scene(150, 96, grey), dirty = noisy(clean, 20, grey);
    const at::Tensor better = denoise_non_local_means(dirty, 20, kQuiet);
    EXPECT_GT(psnr(better, clean), psnr(dirty, clean) + 6) << grey;
    if (grey) {
      EXPECT_TRUE(better.select(3, 0).equal(better.select(3, 2)));
    }
  }
}

TEST(Classical, BandsOfRowsDontShow) {
  const at::Tensor dirty = noisy(scene(200, 64), 15);
  const at::Tensor whole = denoise_non_local_means(dirty, 15, kQuiet);
  // What a band's rows become doesn't depend on where it begins.
  const at::Tensor lower = denoise_non_local_means(dirty.narrow(1, 37, 163).contiguous(), 15, kQuiet);
  EXPECT_LT((whole.narrow(1, 80, 100) - lower.narrow(1, 43, 100)).abs().max().item<float>(), 1.5 / 255);
}

TEST(Classical, NoStrengthChangesNothing) {
  const at::Tensor image = noisy(scene(40, 40), 5);
  EXPECT_TRUE(denoise_non_local_means(image, 0, kQuiet).equal(image));
  EXPECT_TRUE(sharpen_luminance(image, 0, 1.5, kQuiet).equal(image));
  EXPECT_TRUE(inpaint(image, at::zeros({1, 40, 40}), kQuiet).equal(image));
}

TEST(Classical, EdgesBecomeSteeper) {
  const at::Tensor image = at::avg_pool2d(scene(64, 64).permute({0, 3, 1, 2}), {5, 5}, 1, 2, false, false).permute({0, 2, 3, 1}).contiguous();
  const at::Tensor sharp = sharpen_luminance(image, 0.8, 1.5, kQuiet);
  const auto steepness = [](const at::Tensor& t) { return (t.narrow(2, 1, 63) - t.narrow(2, 0, 63)).abs().max().item<float>(); };
  EXPECT_GT(steepness(sharp), 1.15f * steepness(image));
  EXPECT_GE(sharp.min().item<float>(), 0);
  EXPECT_LE(sharp.max().item<float>(), 1);
}

TEST(Classical, ScratchesAreFoundAndFilled) {
  const at::Tensor clean = scene(120, 160);
  at::Tensor damaged = clean.clone();
  damaged.narrow(1, 10, 100).narrow(2, 40, 2).fill_(1);   // bright, upright
  damaged.narrow(1, 60, 2).narrow(2, 85, 60).fill_(0);    // dark, lying
  damaged.narrow(1, 20, 3).narrow(2, 110, 3).fill_(1);    // a speck is none
  const at::Tensor mask = find_scratches(damaged, 0.5);
  EXPECT_EQ(mask[0][50][40].item<float>(), 1);
  EXPECT_EQ(mask[0][60][100].item<float>(), 1);
  EXPECT_EQ(mask[0][21][111].item<float>(), 0);
  EXPECT_LT(mask.mean().item<float>(), 0.1f);
  const at::Tensor repaired = inpaint(damaged, mask, kQuiet);
  const auto scratched = [](const at::Tensor& t) { return t.narrow(1, 20, 80).narrow(2, 38, 6); };
  EXPECT_GT(psnr(scratched(repaired), scratched(clean)), 30);
  EXPECT_TRUE(repaired.narrow(1, 0, 8).equal(damaged.narrow(1, 0, 8))) << "all else keeps its full depth";
}

TEST(Classical, CanBeStopped) {
  struct Stop {};
  const ClassicalProgress stop = [](auto, auto) { throw Stop{}; };
  const at::Tensor image = scene(70, 20);
  EXPECT_THROW(denoise_non_local_means(image, 10, stop), Stop);
  EXPECT_THROW(sharpen_luminance(image, 1, 1, stop), Stop);
  EXPECT_THROW(inpaint(image, at::ones({1, 70, 20}), stop), Stop);
}

TEST(Classical, WrongShapesAreRefused) {
  EXPECT_THROW(denoise_non_local_means(at::zeros({4, 4, 3}), 1, kQuiet), InvalidInput);
  EXPECT_THROW(denoise_non_local_means(at::zeros({1, 4, 4, 4}), 1, kQuiet), InvalidInput);
  EXPECT_THROW(denoise_non_local_means(at::zeros({1, 4, 4, 3}), 76, kQuiet), InvalidInput);
  EXPECT_THROW(sharpen_luminance(at::zeros({1, 4, 4, 3}), NAN, 1, kQuiet), InvalidInput);
  EXPECT_THROW(inpaint(at::zeros({1, 4, 4, 3}), at::zeros({1, 4, 5}), kQuiet), InvalidInput);
  EXPECT_EQ(denoise_non_local_means(at::zeros({2, 1, 1, 3}), 10, kQuiet).size(0), 2);
}

}  // namespace
}  // namespace darkroom
