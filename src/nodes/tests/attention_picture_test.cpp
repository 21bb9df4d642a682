#include "nodes/attention_picture.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "imaging/decode.hpp"

namespace darkroom {
namespace {

TEST(AttentionPicture, HasTheRatioOfThePhoto) {
  const auto size = [](std::int64_t height, std::int64_t width) {
    const auto picture = imaging::decode(attention_picture(at::full({4, 4}, 1.0 / 16), height, width), "x");
    return std::pair(picture.width, picture.height);
  };
  EXPECT_EQ(size(192, 256), std::pair(256, 192));
  EXPECT_EQ(size(600, 257), std::pair(109, 256));
  EXPECT_EQ(size(2, 9000), std::pair(256, 1));
}

TEST(AttentionPicture, GetsLighterWithTheValueAndNeverDarker) {
  // A row from nothing to the most.
  const auto picture = imaging::decode(attention_picture(at::arange(256, at::kFloat).div(255).view({1, 256}), 1, 256), "x");
  const auto lightness = [&](std::size_t i) {
    return 0.2126 * picture.rgb[3 * i] + 0.7152 * picture.rgb[3 * i + 1] + 0.0722 * picture.rgb[3 * i + 2];
  };
  EXPECT_LT(lightness(0), 20);
  EXPECT_GT(lightness(255), 225);
  for (std::size_t i = 1; i < 256; ++i) EXPECT_GE(lightness(i) + 0.5, lightness(i - 1)) << i;
}

TEST(AttentionPicture, ShowsDifferencesButNoNoise) {
  const auto spread = [](double low, double high) {
    const auto picture =
        imaging::decode(attention_picture(at::arange(256, at::kFloat).div(255).mul(high - low).add(low).view({1, 256}), 1, 256), "x");
    return int{picture.rgb[3 * 255]} - int{picture.rgb[0]};
  };
  EXPECT_GT(spread(1, 2), 200) << "the least is black, whatever it is";
  EXPECT_LT(spread(1, 1.01), 40);
}

TEST(AttentionPicture, HostileMapsGiveAPicture) {
  for (const auto& map : {at::zeros({3, 3}), at::full({3, 3}, NAN), at::full({1, 1}, 1e30)})
    EXPECT_EQ(imaging::decode(attention_picture(map, 8, 8), "x").width, 8);
}

}  // namespace
}  // namespace darkroom
