#include "diffusion/unclip.hpp"

#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "diffusion/noise.hpp"
#include "diffusion/tests/golden.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kWidth = 16;

at::Tensor noise(std::uint64_t seed) { return NormalSource(seed).draw({1, kWidth}); }

TEST(Unclip, KeepsAVectorAtTheFirstLevelAndLosesItAtTheLast) {
  const c10::InferenceMode guard;
  const auto vector = at::randn({1, kWidth});
  EXPECT_LT(relative_error(noised_picture(vector, 0, noise(1)).narrow(1, 0, kWidth), vector), 0.05);
  const auto lost = noised_picture(vector, 999, noise(1)).narrow(1, 0, kWidth), other = noised_picture(at::randn({1, kWidth}), 999, noise(1)).narrow(1, 0, kWidth);
  EXPECT_LT(relative_error(lost, other), 1e-2);
  EXPECT_GT(relative_error(noised_picture(vector, 999, noise(2)).narrow(1, 0, kWidth), lost), 0.1);
  // The level itself as waves: cosines first.
  const auto waves = noised_picture(vector, 0, noise(1)).narrow(1, kWidth, kWidth);
  EXPECT_TRUE(waves.narrow(1, 0, kWidth / 2).eq(1).all().item<bool>());
  EXPECT_TRUE(waves.narrow(1, kWidth / 2, kWidth / 2).eq(0).all().item<bool>());
  EXPECT_EQ(noise_level(0.5), 500);
  EXPECT_EQ(noise_level(1), 999);
}

TEST(Unclip, WeighsOnePictureAndMergesMore) {
  const c10::InferenceMode guard;
  const auto vector = at::randn({1, kWidth});
  const auto one = unclip_vector(kWidth, {{vector, 1, 0.2}}, 100);
  EXPECT_LT(relative_error(unclip_vector(kWidth, {{vector, 0.5, 0.2}}, 100), one * 0.5), 1e-6);
  EXPECT_EQ(unclip_vector(kWidth, {}, 100).count_nonzero().item<std::int64_t>(), 0);
  const auto two = unclip_vector(kWidth, {{vector, 0.5, 0.2}, {vector, 0.5, 0.2}}, 100);
  EXPECT_EQ(two.sizes(), one.sizes());
  EXPECT_GT(relative_error(two, one), 1e-3);
  // A batch of vectors is as many pictures.
  EXPECT_TRUE(unclip_vector(kWidth, {{concat({vector, vector}), 0.5, 0.2}}, 100).equal(two));
}

TEST(Unclip, RefusesWhatDoesNotFit) {
  EXPECT_THROW(unclip_vector(kWidth, {{at::randn({1, 8}), 1, 0}}, 1), InvalidInput);
  EXPECT_THROW(noised_picture(at::randn({1, kWidth}), 1000, noise(1)), InvalidInput);
  EXPECT_THROW(noised_picture(at::randn({1, kWidth}), -1, noise(1)), InvalidInput);
}

}  // namespace
}  // namespace darkroom
