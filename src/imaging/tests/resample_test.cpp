#include "imaging/resample.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "imaging/tests/pillow_numbers.hpp"

namespace darkroom::imaging {
namespace {

TEST(Resample, GivesPillowsPixels) {
  const std::pair<const char*, Filter> filters[] = {{"lanczos", Filter::kLanczos}, {"bilinear", Filter::kBilinear}, {"bicubic", Filter::kBicubic}};
  int compared = 0;
  for (const int channels : {1, 3, 4}) {
    const Numbers& source = pillow_numbers().at("source_" + std::to_string(channels));
    for (const auto& [name, filter] : filters)
      for (const auto& [width, height] : {std::pair{17, 40}, std::pair{64, 9}, std::pair{31, 50}, std::pair{12, 23}}) {
        const std::string key = std::string(name) + "_" + std::to_string(channels) + "_" + std::to_string(width) + "x" + std::to_string(height);
        EXPECT_EQ(resample(source.bytes.data(), source.shape[1], source.shape[0], channels, width, height, filter), pillow_numbers().at(key).bytes) << key;
        ++compared;
      }
  }
  EXPECT_EQ(compared, 36);
}

TEST(Resample, RefusesEmptySizes) {
  const std::uint8_t pixel[3] = {};
  EXPECT_THROW(resample(pixel, 1, 1, 3, 0, 4, Filter::kLanczos), InvalidInput);
  EXPECT_THROW(resample(pixel, 1, 1, 5, 4, 4, Filter::kLanczos), InvalidInput);
}

}  // namespace
}  // namespace darkroom::imaging
