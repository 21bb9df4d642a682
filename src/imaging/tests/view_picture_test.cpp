#include "imaging/view_picture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "imaging/png.hpp"

namespace darkroom::imaging {
namespace {

std::string plain(int width, int height, std::vector<std::uint8_t> colour, const PngOptions& options = {}) {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < width * height; ++i) pixels.insert(pixels.end(), colour.begin(), colour.end());
  return encode_png(pixels.data(), width, height, static_cast<int>(colour.size()), options);
}

// First pixel through LoadImage's decoder: red, green, blue, alpha (-1: none).
std::vector<int> first_pixel(const std::string& file) {
  const Picture picture = decode(file, "test");
  return {picture.rgb[0], picture.rgb[1], picture.rgb[2], picture.alpha ? (*picture.alpha)[0] : -1};
}

using Pixel = std::vector<int>;

TEST(ViewPicture, shows_channels) {
  const std::string with = plain(12, 8, {200, 100, 50, 60}), without = plain(12, 8, {200, 100, 50});
  EXPECT_EQ(first_pixel(colours_png(with)), (Pixel{200, 100, 50, -1}));
  EXPECT_EQ(first_pixel(colours_png(without)), (Pixel{200, 100, 50, -1}));
  EXPECT_EQ(first_pixel(alpha_png(with)), (Pixel{0, 0, 0, 60}));
  EXPECT_EQ(first_pixel(alpha_png(without)).front(), 0);
  EXPECT_EQ(first_pixel(colours_png(plain(3, 3, {7}))), (Pixel{7, 7, 7, -1}));        // grey
  EXPECT_EQ(first_pixel(alpha_png(plain(3, 3, {7, 90}))), (Pixel{0, 0, 0, 90}));      // grey and alpha
}

TEST(ViewPicture, re_encodes_at_full_size) {
  const std::string file = plain(40, 30, {200, 100, 50, 60});
  const std::string webp = preview(file, {}), jpeg = preview(file, {.jpeg = true, .quality = 50});
  EXPECT_EQ(webp.substr(0, 4) + webp.substr(8, 4), "RIFFWEBP");
  EXPECT_EQ(jpeg.substr(0, 2), "\xff\xd8");
  EXPECT_EQ(decode(webp, "w").width, 40);
  EXPECT_EQ(decode(jpeg, "j").height, 30);
  EXPECT_TRUE(decode(webp, "w").alpha.has_value());
  EXPECT_FALSE(decode(preview(file, {.drop_alpha = true}), "w").alpha.has_value());
  EXPECT_NO_THROW(preview(file, {.quality = 0}));
  EXPECT_NO_THROW(preview(file, {.quality = 999999}));
}

TEST(ViewPicture, lays_a_mask_over_its_picture) {
  PngOptions texts;
  texts.texts = {{"prompt", "{\"1\": 2}"}, {"note", "hi"}};
  const std::string original = plain(4, 4, {200, 100, 50}, texts);
  const std::string merged = merge_mask(original, plain(4, 4, {0, 0, 0, 77}));
  EXPECT_EQ(first_pixel(merged), (Pixel{200, 100, 50, 77}));
  EXPECT_NE(merged.find(std::string("prompt\0{\"1\": 2}", 15)), std::string::npos);
  EXPECT_LT(merged.find("note"), merged.find("IDAT"));
  EXPECT_THROW(merge_mask(original, plain(2, 2, {0, 0, 0, 1})), InvalidInput);
}

TEST(ViewPicture, refuses_what_is_no_picture_or_too_large) {
  const std::string file = plain(40, 30, {1, 2, 3});
  for (const std::string& bytes : {std::string(), std::string("no picture"), std::string("<svg xmlns='http://www.w3.org/2000/svg'/>"),
                                   std::string("%PDF-1.4"), file.substr(0, file.size() / 2), std::string(1000, '\0')})
    EXPECT_THROW(preview(bytes, {}), InvalidInput) << bytes.substr(0, 10);
  EXPECT_THROW(preview(file, {}, {.max_pixels = 1000}), TooLarge);
  EXPECT_THROW(alpha_png(file, {.max_pixels = 1000}), TooLarge);
}

}  // namespace
}  // namespace darkroom::imaging
