#include "imaging/quantize.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "imaging/tests/pillow_numbers.hpp"

namespace darkroom::imaging {
namespace {

std::vector<std::uint8_t> flatten(const Palette& palette) {
  std::vector<std::uint8_t> out;
  for (const Color& color : palette) out.insert(out.end(), {color.r, color.g, color.b});
  return out;
}

/// More distinct colours than the palette's first pass keeps apart.
Numbers many_colors() {
  Numbers numbers{{300, 290, 3}, {}};
  for (int i = 0; i < 300 * 290; ++i)
    for (const int v : {i, i >> 8, i * 37}) numbers.bytes.push_back(static_cast<std::uint8_t>(v));
  return numbers;
}

Numbers source(const std::string& name) { return name == "many" ? many_colors() : pillow_numbers().at("quantize_" + name); }

TEST(Quantize, MedianCutGivesPillowsPalettes) {
  for (const std::string name : {"picture", "many", "flat"})
    for (const int colors : {1, 2, 12, 50, 256}) {
      const Numbers picture = source(name);
      const std::string key = "palette_" + name + "_" + std::to_string(colors);
      EXPECT_EQ(flatten(median_cut(picture.bytes.data(), picture.bytes.size() / 3, colors)), pillow_numbers().at(key).bytes) << key;
    }
}

TEST(Quantize, MapsAsPillowDoes) {
  for (const std::string name : {"picture", "flat"})
    for (const int colors : {1, 2, 12, 50, 256}) {
      const Numbers picture = source(name);
      const Palette palette = median_cut(picture.bytes.data(), picture.bytes.size() / 3, colors);
      const std::string key = "mapped_" + name + "_" + std::to_string(colors);
      auto plain = picture.bytes, diffused = picture.bytes;
      map_to_palette(plain.data(), plain.size() / 3, palette);
      EXPECT_EQ(plain, pillow_numbers().at(key + "_none").bytes) << key;
      map_with_diffusion(diffused.data(), picture.shape[1], picture.shape[0], palette);
      EXPECT_EQ(diffused, pillow_numbers().at(key + "_floyd").bytes) << key;
    }
}

TEST(Quantize, RefusesBadCounts) {
  const std::uint8_t pixel[3] = {};
  EXPECT_THROW(median_cut(pixel, 1, 0), InvalidInput);
  EXPECT_THROW(median_cut(pixel, 1, 257), InvalidInput);
  EXPECT_THROW(median_cut(pixel, 0, 4), InvalidInput);
}

}  // namespace
}  // namespace darkroom::imaging
