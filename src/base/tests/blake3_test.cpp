#include "base/blake3.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

std::string hashed(std::string_view text) {
  Blake3 hash;
  hash.update(text);
  return hash.hex();
}

// The published test vectors: bytes 0, 1, ..., 250, 0, 1, ...
std::string vector_input(std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(i % 251);
  return text;
}

TEST(Blake3, GivesThePublishedHashes) {
  EXPECT_EQ(hashed(""), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
  EXPECT_EQ(hashed(vector_input(1)), "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213");
  EXPECT_EQ(hashed("abc"), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
}

TEST(Blake3, PiecesOfAnySizeGiveTheSame) {
  const std::string text = vector_input(100'000);
  Blake3 hash;
  for (std::size_t at = 0, size = 1; at < text.size(); at += size, size = size * 3 % 4099 + 1)
    hash.update(std::string_view(text).substr(at, size));
  EXPECT_EQ(hash.hex(), hashed(text));
}

}  // namespace
}  // namespace darkroom
