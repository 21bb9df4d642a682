#include "imaging/animation.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "imaging/decode.hpp"

namespace darkroom::imaging {
namespace {

Animation three_frames(int channels) {
  Animation animation{24, 20, channels, {}, 166};
  for (int f = 0; f < 3; ++f) {
    std::vector<std::uint8_t> frame(static_cast<std::size_t>(24) * 20 * channels);
    for (std::size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<std::uint8_t>(i * 5 + f * 40);
    animation.frames.push_back(std::move(frame));
  }
  return animation;
}

const Texts kTexts{{"prompt", "{\"1\": {}}"}, {"workflow", "{}"}, {"other", "[1]"}};

TEST(Animation, ApngHoldsFramesAndTexts) {
  const std::string file = encode_apng(three_frames(3), 4, kTexts);
  const Picture picture = decode(file, "a.png");
  EXPECT_EQ(picture.frames, 3);
  EXPECT_TRUE(std::equal(picture.rgb.begin(), picture.rgb.begin() + 24 * 20 * 3, three_frames(3).frames[0].begin()));
  EXPECT_TRUE(std::equal(picture.rgb.end() - 24 * 20 * 3, picture.rgb.end(), three_frames(3).frames[2].begin()));
  EXPECT_NE(file.find(std::string("comfprompt\0{\"1\": {}}", 20)), std::string::npos);
  EXPECT_GT(file.find("comfworkflow"), file.find("fdAT"));
  const auto delay = file.find("fcTL") + 4 + 20;
  EXPECT_EQ(file.substr(delay, 4), std::string("\x00\x53\x01\xf4", 4));  // 83/500 s, as Pillow shortens 166 ms
}

TEST(Animation, ApngOfOneFrameIsAPlainPng) {
  Animation animation = three_frames(4);
  animation.frames.resize(1);
  const std::string file = encode_apng(animation, 4, {});
  EXPECT_EQ(file.find("acTL"), std::string::npos);
  EXPECT_EQ(decode(file, "a.png").frames, 1);
}

TEST(Animation, WebpHoldsFramesAndExif) {
  for (const int channels : {3, 4}) {
    const std::string file = encode_webp(three_frames(channels), {.lossless = true, .quality = 80, .effort = 4}, kTexts);
    const Picture picture = decode(file, "a.webp");
    EXPECT_EQ(picture.frames, 3);
    if (channels == 3) {
      EXPECT_TRUE(std::equal(picture.rgb.end() - 24 * 20 * 3, picture.rgb.end(), three_frames(3).frames[2].begin()));
    }
    EXPECT_NE(file.find("prompt:{\"1\": {}}"), std::string::npos);
  }
}

TEST(Animation, ExifEntriesAreSortedByTag) {
  const std::string block = exif_block(kTexts);
  ASSERT_GE(block.size(), 50u);
  EXPECT_EQ(block.substr(0, 10), std::string("MM\0*\0\0\0\x08\0\x03", 10));
  EXPECT_EQ(block.substr(10, 2), std::string("\x01\x0e", 2));
  EXPECT_EQ(block.substr(34, 2), std::string("\x01\x10", 2));
  EXPECT_EQ(block.substr(50, 10), "other:[1]" + std::string(1, '\0'));
  EXPECT_TRUE(exif_block({}).empty());
}

TEST(Animation, ExifHasALimit) {
  const auto entries = [](std::size_t count) {
    Texts texts;
    for (std::size_t i = 0; i < count; ++i) texts.emplace_back("k" + std::to_string(i), "v");
    const std::string block = exif_block(texts);
    return static_cast<unsigned char>(block[8]) * 256 + static_cast<unsigned char>(block[9]);
  };
  EXPECT_EQ(entries(271), 271);
  EXPECT_EQ(entries(272), 271);
}

TEST(Animation, RefusesWhatTheFormatCannotHold) {
  EXPECT_THROW(encode_apng({}, 4, {}), InvalidInput);
  EXPECT_THROW(encode_webp({}, {}, {}), InvalidInput);
  Animation wide{20000, 1, 3, {std::vector<std::uint8_t>(60000)}, 100};
  EXPECT_THROW(encode_webp(wide, {}, {}), InvalidInput);
}

}  // namespace
}  // namespace darkroom::imaging
