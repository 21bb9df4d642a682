#include "imaging/decode.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "imaging/png.hpp"

namespace darkroom::imaging {
namespace {

std::string read(const std::string& name) {
  std::ifstream file(std::string(DARKROOM_TEST_DATA "/golden/inputs/") + name, std::ios::binary);
  return {(std::istreambuf_iterator<char>(file)), {}};
}

std::vector<std::uint8_t> ramp(int width, int height, int channels) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * height * channels);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 7 + i / 13);
  return pixels;
}

TEST(Decode, ReadsWhatThePngWriterWrote) {
  for (const int channels : {1, 2, 3, 4}) {
    const auto pixels = ramp(19, 11, channels);
    const Picture picture = decode(encode_png(pixels.data(), 19, 11, channels, {.level = 4, .texts = {{"prompt", "{}"}}, .chunks = {}}), "x.png");
    ASSERT_EQ(picture.width, 19);
    ASSERT_EQ(picture.height, 11);
    EXPECT_EQ(picture.alpha.has_value(), channels % 2 == 0);
    for (std::size_t i = 0; i < picture.pixels(); ++i) {
      EXPECT_EQ(picture.rgb[3 * i], pixels[i * channels]);
      EXPECT_EQ(picture.rgb[3 * i + 2], pixels[i * channels + (channels > 2 ? 2 : 0)]);
      if (picture.alpha) {
        EXPECT_EQ((*picture.alpha)[i], pixels[(i + 1) * channels - 1]);
      }
    }
  }
}

TEST(Decode, AppliesOrientation) {
  const Picture picture = decode(read("ga_exif.png"), "ga_exif.png");
  EXPECT_EQ(picture.width, 64);
  EXPECT_EQ(picture.height, 96);
}

TEST(Decode, GivesAllFramesOfAnAnimation) {
  const Picture picture = decode(read("ga_anim.gif"), "ga_anim.gif");
  EXPECT_EQ(picture.frames, 3);
  EXPECT_EQ(picture.height, 40);
  EXPECT_FALSE(picture.alpha);
}

TEST(Decode, RefusesWhatIsNoPicture) {
  const std::string svg = "<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'/>";
  for (const std::string& bytes : {std::string(), std::string("hello"), std::string(5000, 'x'), svg, std::string("%PDF-1.4\n"), std::string("\x89PNG\r\n\x1a\n")}) {
    try {
      decode(bytes, "bad.png");
      ADD_FAILURE() << bytes.substr(0, 10);
    } catch (const InvalidInput& error) {
      EXPECT_NE(std::string(error.what()).find("'bad.png'"), std::string::npos) << error.what();
    }
  }
}

TEST(Decode, ReportsCorruptPixels) {
  std::string bytes = read("ga_sq.png");
  for (std::size_t at = bytes.size() / 3; at < bytes.size() / 2; ++at) bytes[at] = static_cast<char>(bytes[at] ^ 0x5A);
  EXPECT_THROW(decode(bytes, "corrupt.png"), InvalidInput);
}

TEST(Decode, ShowsTheUpperPartOfACutFile) {
  const std::string bytes = read("ga_wide.png");
  const Picture whole = decode(bytes, "whole.png");
  const Picture half = decode(std::string_view(bytes).substr(0, bytes.size() * 3 / 4), "half.png");
  ASSERT_EQ(half.height, whole.height);
  EXPECT_TRUE(std::equal(half.rgb.begin(), half.rgb.begin() + whole.width * 3, whole.rgb.begin()));
  EXPECT_NE(half.rgb, whole.rgb);
}

TEST(Decode, RefusesTooManyPixelsFromTheHeader) {
  const auto pixels = ramp(50, 40, 3);
  const std::string bytes = encode_png(pixels.data(), 50, 40, 3);
  EXPECT_THROW(decode(bytes, "big.png", {.max_pixels = 1999}), TooLarge);
  EXPECT_EQ(decode(bytes, "big.png", {.max_pixels = 2000}).width, 50);

  // A bomb: a header that promises far more than the file can hold.
  std::string bomb;
  append_png_signature(bomb);
  append_png_chunk(bomb, "IHDR", png_header(60000, 60000, 3));
  append_png_chunk(bomb, "IDAT", compress_png_rows(pixels.data(), 50, 40, 3, 4));
  append_png_chunk(bomb, "IEND", {});
  EXPECT_THROW(decode(bomb, "bomb.png"), TooLarge);
}

}  // namespace
}  // namespace darkroom::imaging
