#include "imaging/preview.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "imaging/decode.hpp"

namespace darkroom::imaging {
namespace {

const std::vector<std::uint8_t> kGrey(40 * 20 * 3, 128);

TEST(Preview, FitsIntoASquareAndEnlarges) {
  for (const auto& [side, width, height] : {std::tuple{10, 10, 5}, std::tuple{100, 100, 50}, std::tuple{1, 1, 1}}) {
    const Picture picture = decode(encode_preview(kGrey.data(), 40, 20, "PNG", side), "p");
    EXPECT_EQ(picture.width, width);
    EXPECT_EQ(picture.height, height);
  }
}

TEST(Preview, KeepsTheSizeWithoutAMaximum) {
  const std::string jpeg = encode_preview(kGrey.data(), 40, 20, "JPEG", std::nullopt);
  EXPECT_TRUE(jpeg.starts_with("\xff\xd8\xff"));
  const Picture picture = decode(jpeg, "p");
  EXPECT_EQ(picture.width, 40);
  EXPECT_NEAR(picture.rgb[0], 128, 1);
}

TEST(Preview, RefusesOtherFormats) { EXPECT_THROW(encode_preview(kGrey.data(), 40, 20, "GIF", std::nullopt), InvalidInput); }

}  // namespace
}  // namespace darkroom::imaging
