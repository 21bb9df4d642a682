// Python's `re` by PCRE2: translation, matching from left to right, templates, limits.

#include "nodes/regex.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace darkroom {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> all_matches(std::string_view pattern, std::string_view text, RegexFlags flags = {}) {
  std::vector<std::string> out;
  Regex(pattern, flags).each_match(text, [&](const RegexMatch& match) {
    out.emplace_back(*match[0]);
    return true;
  });
  return out;
}

std::string fault_of(std::string_view pattern) {
  try {
    Regex regex(pattern, {});
  } catch (const RegexError& error) {
    return error.what();
  }
  return "";
}

TEST(Regex, FindsEmptyMatchesAsFinditerDoes) {
  EXPECT_THAT(all_matches("x*", "axbx"), ElementsAre("", "x", "", "x", ""));
  EXPECT_THAT(all_matches("a*", "baac"), ElementsAre("", "aa", "", ""));
  EXPECT_THAT(all_matches("", "é"), ElementsAre("", ""));
}

TEST(Regex, TakesPythonsEscapes) {
  EXPECT_THAT(all_matches(R"(\v)", "\x0b\n"), ElementsAre("\x0b"));
  EXPECT_THAT(all_matches(R"(a\Z)", "a\n"), ElementsAre());
  EXPECT_THAT(all_matches(R"([\b])", "\b"), ElementsAre("\b"));
  EXPECT_THAT(all_matches(R"(\0a\012)", std::string_view("\0a\n", 3)), ElementsAre(std::string("\0a\n", 3)));
  EXPECT_THAT(all_matches(R"((?P<b>.)(?P=b))", "abccd"), ElementsAre("cc"));
  EXPECT_THAT(all_matches(R"(a{,2}b{1)", "aab{1"), ElementsAre("aab{1"));
}

TEST(Regex, RefusesWhatPythonRefusesInItsWords) {
  EXPECT_EQ(fault_of("a("), "missing ), unterminated subpattern at position 1");
  EXPECT_EQ(fault_of("a)"), "unbalanced parenthesis at position 1");
  EXPECT_EQ(fault_of("*"), "nothing to repeat at position 0");
  EXPECT_EQ(fault_of("a**"), "multiple repeat at position 2");
  EXPECT_EQ(fault_of("[a"), "unterminated character set at position 0");
  EXPECT_EQ(fault_of("[b-a]"), "bad character range b-a at position 1");
  EXPECT_EQ(fault_of(R"(\Q)"), "bad escape \\Q at position 0");
  EXPECT_EQ(fault_of(R"(\1)"), "invalid group reference 1 at position 1");
  EXPECT_EQ(fault_of("a(?i)"), "global flags not at the start of the expression at position 1");
  EXPECT_EQ(fault_of("(?R)"), "unknown extension ?R at position 1");
  EXPECT_EQ(fault_of("(*UTF)"), "nothing to repeat at position 1");
}

TEST(Regex, NeverHangs) {
  const Regex regex("^(?:a|a)*[bc]$", {});
  EXPECT_THROW(regex.search(std::string(64, 'a')), TooLarge);
  EXPECT_THROW(Regex(std::string(70'000, 'a'), {}), TooLarge);
  EXPECT_THROW(Regex("a{1000000}", {}), UnsupportedRegex);
  const std::string deep(5000, '(');
  EXPECT_NE(fault_of(deep + std::string(5000, ')')), "");
}

TEST(Regex, LengthsAtTheEdge) {
  // A set of many letters compiles to a short program, so that only the length of the text counts.
  const auto set_of = [](std::size_t bytes) { return "[" + std::string(bytes - 2, 'a') + "]"; };
  EXPECT_NO_THROW(Regex(set_of(kRegexMaxPattern), {}));
  EXPECT_THROW(Regex(set_of(kRegexMaxPattern + 1), {}), TooLarge);
  EXPECT_NO_THROW(Regex("a{0,65535}", {}));
  EXPECT_THROW(Regex("a{0,65536}", {}), UnsupportedRegex);
}

TEST(Regex, TextThatIsNotUtf8IsRefused) { EXPECT_THROW(Regex("a", {}).search("\xff\xfe"), InvalidInput); }

TEST(Replacement, ReadsGroupsAndEscapes) {
  const TranslatedRegex regex = translate_regex("(?P<first>a)(b)", {});
  const auto parts = parse_replacement(R"(<\2\g<first>\n\g<0>>)", regex);
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts[0].literal, "<");
  EXPECT_EQ(parts[0].group, 2);
  EXPECT_EQ(parts[1].group, 1);
  EXPECT_EQ(parts[2].literal, "\n");
  EXPECT_EQ(parts[2].group, 0);
  EXPECT_EQ(parts[3].literal, ">");
  EXPECT_THROW(parse_replacement(R"(\3)", regex), RegexError);
  EXPECT_THROW(parse_replacement(R"(\g<none>)", regex), RegexError);
  EXPECT_THROW(parse_replacement("\\", regex), RegexError);
}

}  // namespace
}  // namespace darkroom
