#include "base/base64.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

TEST(Base64, AsTheStandardSays) {
  for (const auto& [bytes, text] : {std::pair{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"\xfb\xff", "+/8="}})
    EXPECT_EQ(base64(bytes), text);
}

TEST(Base64, PiecesOfALongTextMeet) {
  const std::string bytes((3u << 20) * 2 + 1, 'a');
  const std::string text = base64(bytes);
  EXPECT_EQ(text.size(), (bytes.size() + 2) / 3 * 4);
  EXPECT_EQ(text.find_first_not_of("YWFh"), text.size() - 3) << "YQ== at the end";
}

}  // namespace
}  // namespace darkroom
