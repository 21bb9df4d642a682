#include "imaging/photo.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "imaging/exif_gps.hpp"
#include "imaging/picture_facts.hpp"
#include "imaging/png.hpp"

namespace darkroom::imaging {
namespace {

std::vector<float> ramp(int width, int height, int channels) {
  std::vector<float> samples(static_cast<std::size_t>(width) * height * channels);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<float>(i * 37 % 65536) / 65535;
  return samples;
}

TEST(Photo, SixteenBitsAndAlphaComeBackExactly) {
  const auto samples = ramp(23, 9, 4);
  const std::string png = write_photo(samples.data(), 23, 9, 4, {.depth = 16}, {});
  const Photo photo = read_photo(png, "x.png");
  EXPECT_EQ(photo.metadata.depth, 16);
  ASSERT_EQ(photo.alpha.size(), 23u * 9);
  for (std::size_t i = 0; i < photo.alpha.size(); ++i) {
    EXPECT_EQ(std::lround(photo.alpha[i] * 65535), std::lround(samples[4 * i + 3] * 65535));
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(photo.rgb[3 * i + c], samples[4 * i + c], 2.0 / 65535) << "through the sRGB profile";
  }
}

TEST(Photo, EightBitsComeBack) {
  std::vector<std::uint8_t> pixels(16 * 16 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i);
  const Photo photo = read_photo(encode_png(pixels.data(), 16, 16, 3), "x.png");
  EXPECT_EQ(photo.metadata.depth, 8);
  EXPECT_TRUE(photo.alpha.empty());
  for (std::size_t i = 0; i < pixels.size(); ++i) EXPECT_EQ(photo.rgb[i], static_cast<float>(pixels[i]) / 255);
}

TEST(Photo, GreyBecomesRgb) {
  std::vector<std::uint8_t> pixels(64);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(4 * i);
  const Photo photo = read_photo(encode_png(pixels.data(), 8, 8, 1), "x.png");
  for (std::size_t i = 0; i < pixels.size(); ++i)
    for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(photo.rgb[3 * i + c], static_cast<float>(pixels[i]) / 255);
}

TEST(Photo, XmpSaysWhoMadeTheColours) {
  const auto samples = ramp(8, 8, 3);
  // Read through a JPEG, where the packet stands as it is.
  const std::string plain = convert_picture(write_photo(samples.data(), 8, 8, 3, {}, {}), "jpeg");
  const std::string coloured = convert_picture(write_photo(samples.data(), 8, 8, 3, {}, {.ai_colors = true, .made_by = "net <1> & co"}), "jpeg");
  EXPECT_NE(plain.find("algorithmicallyEnhanced"), std::string::npos);
  EXPECT_EQ(plain.find("neural network"), std::string::npos);
  EXPECT_NE(coloured.find("compositeWithTrainedAlgorithmicMedia"), std::string::npos);
  EXPECT_NE(coloured.find("made by a neural network (net &lt;1&gt; &amp; co)"), std::string::npos);
}

TEST(Photo, WhatIsNoNumberBecomesBlack) {
  const std::vector<float> samples{NAN, INFINITY, -INFINITY};
  const Photo photo = read_photo(write_photo(samples.data(), 1, 1, 3, {}, {}), "x.png");
  EXPECT_EQ(photo.rgb, (std::vector<float>{0, 1, 0}));
}

TEST(Photo, BrokenFilesAreRefused) {
  for (const std::string bytes : {"", "x", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff\xe0", "GIF89a", "BM1234567890123456789012345678901234567890"})
    EXPECT_THROW(read_photo(bytes, "bad"), Error) << bytes;
  EXPECT_THROW(write_photo(nullptr, 1, 1, 2, {}, {}), InvalidInput);
}

/// Make, a pointer to GPS at `gps`, and one GPS entry with a value of 8 bytes at the end.
std::string exif_with_gps(std::uint8_t gps = 38) {
  std::string exif("Exif\0\0II*\0\x08\0\0\0", 14);
  exif += std::string("\x02\0", 2) + std::string("\x0f\x01\x02\0\x02\0\0\0K\0\0\0", 12) + std::string("\x25\x88\x04\0\x01\0\0\0", 8);
  exif += std::string(1, static_cast<char>(gps)) + std::string(3 + 4, '\0');
  exif += std::string("\x01\0", 2) + std::string("\x02\0\x05\0\x01\0\0\0\x38\0\0\0", 12) + std::string(4, '\0') + "LATITUDE";
  return exif;
}

TEST(ExifGps, ThePlaceIsGoneAndTheRestStays) {
  const std::string exif = without_gps(exif_with_gps());
  ASSERT_EQ(exif.size(), exif_with_gps().size());
  EXPECT_EQ(exif[14], 1) << "one entry is left";
  EXPECT_NE(exif.find('K'), std::string::npos);
  EXPECT_EQ(exif.find("LATITUDE"), std::string::npos);
  EXPECT_EQ(exif.find("\x25\x88"), std::string::npos);
  EXPECT_EQ(without_gps(exif), exif);
}

TEST(ExifGps, WhatCantBeReadIsDropped) {
  const std::string whole = exif_with_gps();
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_EQ(without_gps(whole.substr(0, size)), "") << size;
  EXPECT_EQ(without_gps(exif_with_gps(250)), "");
  EXPECT_EQ(without_gps(std::string("Exif\0\0MM\0*\xff\xff\xff\xff", 14)), "");
}

TEST(PictureFacts, SaysSizeOrFault) {
  const auto samples = ramp(8, 5, 3);
  const std::string png = write_photo(samples.data(), 8, 5, 3, {}, {});
  EXPECT_EQ(picture_facts(png), "{\"width\":8,\"height\":5}");
  EXPECT_TRUE(picture_facts("nothing").starts_with("{\"fault\":\"bad_image\""));
  EXPECT_TRUE(picture_facts(png, {.max_pixels = 39}).starts_with("{\"fault\":\"too_large\""));
  EXPECT_EQ(picture_facts(png, {.max_pixels = 40}), "{\"width\":8,\"height\":5}");
}

TEST(PictureFacts, ConvertsWithItsMetadata) {
  auto samples = ramp(8, 5, 4);
  for (std::size_t i = 3; i < samples.size(); i += 4) samples[i] = 0;
  const std::string png = write_photo(samples.data(), 8, 5, 4, {.depth = 16}, {.ai_colors = true});
  const std::string jpeg = convert_picture(png, "jpeg"), webp = convert_picture(png, "webp");
  EXPECT_NE(jpeg.find("compositeWithTrainedAlgorithmicMedia"), std::string::npos);
  EXPECT_NE(webp.find("compositeWithTrainedAlgorithmicMedia"), std::string::npos);
  const Picture white = decode(jpeg, "x.jpg");
  EXPECT_EQ(white.width, 8);
  for (const auto sample : white.rgb) EXPECT_GT(sample, 250) << "what is transparent is white in a JPEG";
  EXPECT_TRUE(decode(webp, "x.webp").alpha.has_value());
  EXPECT_THROW(convert_picture(png, "gif"), InvalidInput);
  EXPECT_THROW(convert_picture("x", "png"), InvalidInput);
}

std::string plain_png(int width, int height, std::uint8_t level) {
  const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * height * 3, level);
  return encode_png(pixels.data(), width, height, 3);
}

TEST(PictureFacts, PutsBeforeAndAfterBesideEachOther) {
  std::vector<float> bright(40 * 20 * 4, 0.9F);
  for (std::size_t i = 3; i < bright.size(); i += 4) bright[i] = 1;
  const std::string after = write_photo(bright.data(), 40, 20, 4, {.depth = 16}, {.ai_colors = true});
  for (const char* format : {"png", "jpeg", "webp"}) {
    const std::string bytes = side_by_side(plain_png(20, 10, 30), after, format);
    const Picture both = decode(bytes, "x");
    ASSERT_EQ(both.width, 40 + 2 + 40) << "the original is enlarged, and a line is between them";
    ASSERT_EQ(both.height, 20);
    const auto level = [&](int x) { return int{both.rgb[static_cast<std::size_t>(10 * both.width + x) * 3]}; };
    EXPECT_NEAR(level(10), 30, 3);
    EXPECT_NEAR(level(70), 230, 3);
    if (std::string_view(format) != "png") EXPECT_NE(bytes.find("compositeWithTrainedAlgorithmicMedia"), std::string::npos) << format;
  }
  EXPECT_THROW(side_by_side("x", after, "png"), InvalidInput);
  EXPECT_THROW(side_by_side(after, "x", "png"), InvalidInput);
  EXPECT_THROW(side_by_side(after, after, "gif"), InvalidInput);
}

TEST(PictureFacts, ALargeComparisonIsMadeSmaller) {
  const auto size = [](int width, int height, std::int64_t most = kMostBeside) {
    const std::string one = plain_png(width, height, 100);
    const Picture both = decode(side_by_side(one, one, "jpeg", most), "x");
    return std::pair(both.width, both.height);
  };
  EXPECT_EQ(size(100, 100, 20'000), std::pair(202, 100));
  EXPECT_EQ(size(100, 100, 19'999), std::pair(200, 99));
  EXPECT_EQ(size(9000, 30), std::pair(15'602, 26)) << "as wide as a WebP may be";
}

}  // namespace
}  // namespace darkroom::imaging
