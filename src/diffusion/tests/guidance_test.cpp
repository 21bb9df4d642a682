// Formulas of guidance by what defines them, and the choices of ToMe and HyperTile.

#include "diffusion/guidance_formulas.hpp"

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <map>

#include "diffusion/chance.hpp"
#include "diffusion/frequencies.hpp"
#include "diffusion/image_tiling.hpp"
#include "diffusion/noise.hpp"
#include "diffusion/token_merging.hpp"

namespace darkroom {
namespace {

/// Three latents of two pictures: x, positive, negative.
struct Latents {
  at::Tensor x, cond, uncond;
  explicit Latents(std::uint64_t seed = 1) {
    NormalSource source(seed);
    x = source.draw({2, 4, 6, 8});
    cond = source.draw({2, 4, 6, 8});
    uncond = source.draw({2, 4, 6, 8});
  }
};

void expect_near(const at::Tensor& got, const at::Tensor& want, double tolerance = 1e-5) {
  ASSERT_EQ(got.sizes(), want.sizes());
  EXPECT_TRUE(at::allclose(got, want.to(got.scalar_type()), tolerance, tolerance)) << (got - want).abs().max().item<double>();
}

at::Tensor of_picture(const at::Tensor& t, std::int64_t i) { return t.select(0, i).flatten().to(at::kDouble); }

TEST(Guidance, ProjectionSplitsTheDifferenceAlongThePositive) {
  const Latents l;
  const auto difference = l.cond - l.uncond;
  expect_near(projected(difference, l.cond, 1.0, 0.0), difference);
  const auto across = projected(difference, l.cond, 0.0, 0.0);
  for (std::int64_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(of_picture(across, i).dot(of_picture(l.cond, i)).item<double>(), 0.0, 1e-4);
    EXPECT_NEAR(of_picture(projected(difference, l.cond, 1.0, 2.5), i).norm().item<double>(), 2.5, 1e-5);
    EXPECT_NEAR(of_picture(projected(difference, l.cond, 1.0, 1000.0), i).norm().item<double>(), of_picture(difference, i).norm().item<double>(), 1e-4);
  }
  expect_near(projected(at::zeros_like(difference), l.cond, 0.5, 5.0), at::zeros_like(difference));
}

TEST(Guidance, TangentialDampingKeepsTheFirstSingularDirection) {
  const Latents l;
  const auto damped = tangentially_damped(l.x, l.cond, l.uncond);
  for (std::int64_t i = 0; i < 2; ++i) {
    const auto rows = at::stack({of_picture(l.x - l.cond, i), of_picture(l.x - l.uncond, i)});
    const auto axis = std::get<2>(at::linalg_svd(rows, /*full_matrices=*/false)).select(0, 0);
    expect_near(of_picture(damped, i), of_picture(l.x, i) - axis * axis.dot(rows.select(0, 1)));
  }
  expect_near(tangentially_damped(l.x, l.cond, l.cond), l.cond);
  expect_near(tangentially_damped(l.x, l.x, l.x), l.x);
}

TEST(Guidance, LengthsAreThoseOfThePositiveAtMost) {
  const Latents l;
  const auto guided = l.uncond + (l.cond - l.uncond) * 7.0;
  const auto held = no_longer_than(guided, l.cond, 1.0);
  const auto length = [](const at::Tensor& t) { return t.norm(2, at::IntArrayRef{1}); };
  EXPECT_LE((length(held) - length(l.cond)).max().item<double>(), 1e-5);
  expect_near(no_longer_than(l.cond * 0.5, l.cond, 0.8), l.cond * 0.4);
}

TEST(Guidance, MahiroIsBetweenTheLeapAndTheUsualGuidance) {
  const Latents l;
  const auto guided = l.uncond + (l.cond - l.uncond) * 3.0;
  expect_near(mahiro(l.cond, l.cond, l.cond, 1.0), l.cond);
  const auto share = ((mahiro(guided, l.cond, l.uncond, 3.0) - l.cond * 3.0) / (guided - l.cond * 3.0)).median().item<double>();
  EXPECT_GT(share, 0.0);
  EXPECT_LT(share, 1.0);
  expect_near(mahiro(guided, l.cond, l.uncond, 3.0), guided * share + l.cond * (3.0 * (1 - share)), 1e-3);
}

TEST(Guidance, ZeroStarsNegativeIsTheBestMultiple) {
  const Latents l;
  const double cfg = 4.0;
  const auto got = zero_star(l.x, l.uncond + (l.cond - l.uncond) * cfg, l.cond, l.uncond, cfg);
  for (std::int64_t i = 0; i < 2; ++i) {
    const auto positive = of_picture(l.x - l.cond, i), negative = of_picture(l.x - l.uncond, i);
    const auto scaled = of_picture(l.uncond, i) * (positive.dot(negative) / negative.dot(negative));
    expect_near(of_picture(got, i), scaled + (of_picture(l.cond, i) - scaled) * cfg);
  }
  expect_near(zero_star(l.x, l.cond, l.cond, l.uncond, 1.0), l.cond);
}

TEST(Guidance, RescaledScoreIsExactForGaussianData) {
  // Data of spread s at temperature 1/k has spread s / sqrt(k): both denoisers are linear in x.
  const Latents l;
  const double spread = 0.8, k = 2.5;
  const auto denoised = [&](double sigma, double variance, bool flow) {
    const double kept = flow ? 1 - sigma : 1;
    return l.x * (kept * variance / (kept * kept * variance + sigma * sigma));
  };
  for (const double sigma : {0.05, 0.4, 0.9, 7.0})
    for (const bool flow : {false, true}) {
      if (flow && sigma >= 1) continue;
      expect_near(rescaled_score(l.x, denoised(sigma, spread * spread, flow), sigma, k, spread, flow), denoised(sigma, spread * spread / k, flow), 1e-4);
    }
  EXPECT_TRUE(at::equal(rescaled_score(l.x, l.cond, 0.0, k, spread, false), l.cond));
  EXPECT_TRUE(at::equal(rescaled_score(l.x, l.cond, 1.0, k, spread, true), l.cond));
  EXPECT_TRUE(at::equal(rescaled_score(l.x, l.cond, 0.5, 1.0, spread, false), l.cond));
}

TEST(Frequencies, LowOnesAreThoseAroundTheConstant) {
  const Latents l;
  expect_near(scale_frequencies(l.x, 3, 1.0, 1.0), l.x);
  const auto mean = l.x.mean(at::IntArrayRef{2, 3}, true);
  expect_near(scale_frequencies(l.x, 20, 0.5, 9.0), l.x * 0.5);
  const auto constant = at::zeros_like(l.x) + mean;
  expect_near(scale_frequencies(constant, 1, 0.25, 3.0), constant * 0.25);
  expect_near(scale_frequencies(l.x, 1, 2.0, 1.0).mean(at::IntArrayRef{2, 3}, true), mean * 2.0);
}

TEST(Chance, GoesOnWhereTheNoiseEnded) {
  Chance one(7, {2, 4, 3, 3}, std::nullopt), same(7, {2, 4, 3, 3}, std::nullopt), other(7, {2, 4, 3, 5}, std::nullopt);
  const auto numbers = one.integers(1000, {50});
  EXPECT_TRUE(at::equal(numbers, same.integers(1000, {50})));
  EXPECT_FALSE(at::equal(numbers, other.integers(1000, {50})));
  EXPECT_FALSE(at::equal(numbers, one.integers(1000, {50})));
  // Three noises of one picture draw as much as one of three: batch indices 2 and 0 want three.
  Chance indexed(7, {2, 4, 4, 4}, std::vector<std::int64_t>{2, 0}), whole(7, {3, 4, 4, 4}, std::nullopt);
  EXPECT_TRUE(at::equal(indexed.integers(1000, {50}), whole.integers(1000, {50})));
}

TEST(TokenMerging, JoinsWhatIsAlikeAndGivesItBack) {
  NormalSource source(3);
  Chance chance(5, {1, 4, 6, 8}, std::nullopt);
  const auto tokens = source.draw({2, 48, 16});
  for (const std::int64_t count : {1, 20, 36, 48}) {
    const TokenMerging merging(tokens, 6, 8, count, chance);
    const auto gone = std::min<std::int64_t>(count, 36);  // a quarter are destinations
    const auto merged = merging.merge(tokens);
    EXPECT_EQ(merged.sizes(), (std::vector<std::int64_t>{2, 48 - gone, 16}));
    const auto back = merging.unmerge(merged);
    EXPECT_EQ(back.sizes(), tokens.sizes());
    EXPECT_GE((back - tokens).abs().amax(-1).eq(0).sum().item<std::int64_t>(), 2 * (48 - 2 * gone));  // those that nothing was joined with
    EXPECT_NEAR(merging.merge(at::ones({2, 48, 1})).min().item<double>(), 1.0, 1e-6);                 // means
    expect_near(merging.merge(back), merged);
  }
}

TEST(TokenMerging, OddSidesHaveTheirLastRowAsSources) {
  NormalSource source(3);
  Chance chance(5, {1, 4, 7, 5}, std::nullopt);
  const auto tokens = source.draw({1, 35, 4});
  const TokenMerging merging(tokens, 7, 5, 35, chance);
  EXPECT_EQ(merging.merge(tokens).size(1), 6);  // 3 x 2 destinations
  EXPECT_EQ(merging.unmerge(merging.merge(tokens)).sizes(), tokens.sizes());
}

TEST(ImageTiling, TilesAreRectanglesAndComeTogetherAgain) {
  const auto image = at::arange(2 * 6 * 8, at::kFloat).reshape({2, 48, 1});
  const ImageTiling tiling{.rows = 3, .columns = 2, .height = 6, .width = 8};
  const auto tiles = tiling.cut(image);
  ASSERT_EQ(tiles.sizes(), (std::vector<std::int64_t>{12, 8, 1}));
  EXPECT_EQ(tiles[1].flatten()[0].item<float>(), 4);   // the second tile of the first row begins in column 4
  EXPECT_EQ(tiles[2].flatten()[0].item<float>(), 16);  // the second row of tiles in row 2
  EXPECT_TRUE(at::equal(tiling.join(tiles), image));
}

TEST(ImageTiling, PartsAreDrawnEvenlyFromTheFirstDivisorsButTheLast) {
  Chance chance(11, {1, 4, 8, 8}, std::nullopt);
  std::map<std::int64_t, int> drawn;
  constexpr int kDraws = 3000;
  for (int i = 0; i < kDraws; ++i) ++drawn[random_parts(96, 16, 4, chance)];  // sizes 16, 24, 32, 48
  ASSERT_EQ(drawn.size(), 3u);
  for (const std::int64_t parts : {6, 4, 3}) EXPECT_NEAR(drawn[parts], kDraws / 3, 6 * 26) << parts;  // six standard deviations
  EXPECT_EQ(random_parts(96, 200, 4, chance), 1);
  EXPECT_EQ(random_parts(97, 8, 4, chance), 1);
  EXPECT_EQ(random_parts(64, 8, 1, chance), 8);
}

}  // namespace
}  // namespace darkroom
