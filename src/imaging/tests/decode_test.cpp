#include "imaging/decode.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "imaging/animation.hpp"
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

/// A bitmap of 2 x 2 pixels with `bits` a pixel and the given rest of the file.
std::string bitmap(int bits, const std::string& palette, const std::string& pixels) {
  const auto le = [](std::uint64_t v, int n) { std::string out; for (int i = 0; i < n; ++i) out.push_back(static_cast<char>(v >> (8 * i))); return out; };
  return "BM" + le(0, 8) + le(static_cast<std::uint32_t>(54 + palette.size()), 4) + le(40, 4) + le(2, 4) + le(2, 4) + le(1, 2) +
         le(static_cast<std::uint32_t>(bits), 2) + std::string(24, '\0') + palette + pixels;
}

TEST(Decode, ReadsBitmaps) {
  const std::vector<std::uint8_t> wanted{7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6};  // rows stand bottom up in the file
  const std::string rows24("\x03\x02\x01\x06\x05\x04\0\0\x09\x08\x07\x0c\x0b\x0a\0\0", 16);
  EXPECT_EQ(decode(bitmap(24, "", rows24), "a.bmp").rgb, wanted);
  const std::string rows32("\x03\x02\x01\0\x06\x05\x04\0\x09\x08\x07\0\x0c\x0b\x0a\0", 16);
  EXPECT_EQ(decode(bitmap(32, "", rows32), "a.bmp").rgb, wanted);
  std::string palette(1024, '\0');
  palette.replace(0, 16, std::string("\x03\x02\x01\0\x06\x05\x04\0\x09\x08\x07\0\x0c\x0b\x0a\0", 16));
  EXPECT_EQ(decode(bitmap(8, palette, std::string("\0\x01\0\0\x02\x03\0\0", 8)), "a.bmp").rgb, wanted);
  // Cut, empty, and absurd ones end in a picture or an error, never in a read past the end.
  for (std::size_t size = 2; size < 70; ++size) {
    try {
      decode(bitmap(24, "", rows24).substr(0, size), "cut.bmp");
    } catch (const InvalidInput&) {
    }
  }
  std::string huge = bitmap(24, "", "");
  huge[20] = huge[21] = huge[24] = '\x7f';
  EXPECT_THROW(decode(huge, "huge.bmp"), TooLarge);
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

TEST(Decode, AnimationsAreCut) {
  const auto frames = [](std::size_t count) {
    const Animation animation{1, 1, 3, std::vector<std::vector<std::uint8_t>>(count, {1, 2, 3}), 100};
    return decode(encode_apng(animation, 1, {}), "long.png", {.max_frames = 20}).frames;
  };
  EXPECT_EQ(frames(20), 20);
  EXPECT_EQ(frames(21), 20);
}

TEST(Decode, GivesUpAtItsTime) {
  const auto pixels = ramp(3000, 2000, 3);
  const std::string bytes = encode_png(pixels.data(), 3000, 2000, 3);
  EXPECT_THROW(decode(bytes, "slow.png", {.max_seconds = 0}), TooLarge);
  EXPECT_EQ(decode(bytes, "slow.png").width, 3000);
}

}  // namespace
}  // namespace darkroom::imaging
