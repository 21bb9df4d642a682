#include "base/dimensions.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

TEST(Dimensions, AreTwoNumbersWithACrossBetween) {
  EXPECT_EQ(dimensions("512x768"), std::pair(std::int64_t{512}, std::int64_t{768}));
  EXPECT_EQ(dimensions("1X9223372036854775807"), std::pair(std::int64_t{1}, std::int64_t{9223372036854775807}));
  for (const char* text :
       {"", "x", "512", "512x", "x512", "512x512x3", "512 x 512", "+1x1", "-8x8", "8x-8", "0x8", "8x0", "1x9223372036854775808", "0x10x8"})
    EXPECT_FALSE(dimensions(text)) << text;
}

}  // namespace
}  // namespace darkroom
