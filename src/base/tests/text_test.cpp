#include "base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;

TEST(Text, SplitTrimLower) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(lower("ÀBc"), "Àbc") << "ASCII only";
  EXPECT_TRUE(starts_with_nocase("Bearer x", "bearer "));
  EXPECT_FALSE(starts_with_nocase("Be", "bearer"));
}

TEST(Text, Utf8IsCheckedStrictly) {
  for (const char* good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) EXPECT_TRUE(is_valid_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "a\xe2\x82"}) EXPECT_FALSE(is_valid_utf8(bad));
}

TEST(Text, IdsAreCanonicalAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(uuid4());
  EXPECT_EQ(ids.size(), 1000u);
  for (const auto& id : ids) EXPECT_THAT(id, testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(random_hex(5).size(), 5u);
}

TEST(Hash, KnownDigests) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 piecewise;
  piecewise.update("a");
  piecewise.update("bc");
  EXPECT_EQ(piecewise.hex(), sha256_hex("abc"));
  EXPECT_THROW(sha256_hex_of_file("/no/such/file"), NotFound);
  EXPECT_EQ(to_hex(std::string("\x00\xff", 2)), "00ff");
  EXPECT_EQ(hash128("abc"), hash128("abc"));
  EXPECT_NE(hash128("abc"), hash128("abd"));
}

TEST(Error, KindsBecomeStatusAndPythonNames) {
  EXPECT_EQ(http_status(ErrorKind::kInvalidInput), 400);
  EXPECT_EQ(http_status(ErrorKind::kTooLarge), 413);
  EXPECT_EQ(http_status(ErrorKind::kUnavailable), 503);
  EXPECT_STREQ(python_name(ErrorKind::kNotFound), "FileNotFoundError");
  EXPECT_EQ(NotFound("x").kind(), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace darkroom
