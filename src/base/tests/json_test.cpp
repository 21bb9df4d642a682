#include "base/json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace darkroom {
namespace {

std::string refusal(std::string_view text, const JsonLimits& limits = {}) {
  try {
    parse_json(text, limits);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ParseJson, KeepsTheOrderOfKeys) { EXPECT_EQ(dump(parse_json(R"( {"b": 1, "a": [true, null], "c": {}} )")), R"({"b":1,"a":[true,null],"c":{}})"); }

TEST(ParseJson, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{oops", "[1,]", "NaN", "{\"a\": Infinity}", "1 2", "{} x", "'a'", "\"\xff\"", "[1"}) EXPECT_THROW(parse_json(text), InvalidInput) << text;
  EXPECT_EQ(refusal("{} x"), "JSON: extra data at byte 3");
}

TEST(ParseJson, LimitsAtTheEdge) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse_json(nested(256)));
  EXPECT_THROW(parse_json(nested(257)), TooLarge);
  EXPECT_EQ(refusal(nested(257)), "JSON: nested deeper than 256");
  EXPECT_NO_THROW(parse_json("\"12345678\"", {.max_bytes = 10}));
  EXPECT_EQ(refusal("\"123456789\"", {.max_bytes = 10}), "JSON: 11 bytes are more than the limit of 10");
}

TEST(ParseJson, IntegersBeyond64BitsAreRefusedNotRounded) {
  EXPECT_EQ(dump(parse_json("18446744073709551615")), "18446744073709551615");
  EXPECT_EQ(dump(parse_json("-9223372036854775808")), "-9223372036854775808");
  EXPECT_EQ(refusal("{\"seed\": 18446744073709551616}"), "JSON: the integer 18446744073709551616 does not fit 64 bits");
  EXPECT_THROW(parse_json("[-9223372036854775809]"), InvalidInput);
  EXPECT_EQ(parse_json("-18446744073709551615", {.round_wide_integers = true}).as_double(), -18446744073709551616.0);
  EXPECT_NO_THROW(parse_json(R"(["18446744073709551616", "\"18446744073709551616", 18446744073709551616.0, 1e30])")) << "texts and reals are no integers";
}

TEST(Dump, DoublesStayDoublesAndNonFiniteOnesBecomeNull) {
  EXPECT_EQ(dump(json::array{1, 1.0, 0.1, 1e16, 1e-5, -0.0, std::nan(""), std::numeric_limits<double>::infinity()}), "[1,1.0,0.1,1e+16,1e-05,-0.0,null,null]");
}

TEST(Dump, EscapesWhatJsonMustAndKeepsUtf8) {
  EXPECT_EQ(dump("a\"b\\c\n\t\x01\xc3\xa9"), "\"a\\\"b\\\\c\\n\\t\\u0001\xc3\xa9\"");
  std::string out = "x";
  dump_to(out, json::object{{"k", "v"}});
  EXPECT_EQ(out, R"(x{"k":"v"})");
}

TEST(DumpPython, IsTheFormOfJsonDumps) {
  EXPECT_EQ(dump_python(parse_json(R"({"a": [1, 2.50], "é": "😀", "n": null})")), R"({"a": [1, 2.5], "\u00e9": "\ud83d\ude00", "n": null})");
  EXPECT_EQ(dump_python(json::object{}), "{}");
}

TEST(PythonFloat, IsRepr) {
  EXPECT_EQ(python_float(1), "1.0");
  EXPECT_EQ(python_float(0.1), "0.1");
  EXPECT_EQ(python_float(1e15), "1000000000000000.0");
  EXPECT_EQ(python_float(1e16), "1e+16");
  EXPECT_EQ(python_float(1e-4), "0.0001");
  EXPECT_EQ(python_float(1e-5), "1e-05");
  EXPECT_EQ(python_float(1.5e300), "1.5e+300");
  EXPECT_EQ(python_float(-0.0), "-0.0");
  EXPECT_EQ(python_float(std::nan("")), "nan");
  EXPECT_EQ(python_float(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(python_float(0.1 + 0.2), "0.30000000000000004");
}

TEST(PythonText, ReprAndStr) {
  EXPECT_EQ(python_str("it's"), "it's");
  EXPECT_EQ(python_repr("it's"), "\"it's\"");
  EXPECT_EQ(python_repr("it's \"so\""), "'it\\'s \"so\"'");
  EXPECT_EQ(python_repr("a\nb\\"), "'a\\nb\\\\'");
  EXPECT_EQ(python_str(parse_json(R"({"a": [1, 2.0, true, null, "x"]})")), "{'a': [1, 2.0, True, None, 'x']}");
}

TEST(LookUps, FallBackOnOtherKinds) {
  const json::object object = parse_json(R"({"t": "x", "i": 7, "f": 1.5, "b": true, "o": {"k": 1}, "l": [1], "big": 18446744073709551615})").as_object();
  EXPECT_EQ(string_or(object, "t", ""), "x");
  EXPECT_EQ(string_or(object, "i", "none"), "none");
  EXPECT_EQ(int_or(object, "i", 0), 7);
  EXPECT_EQ(int_or(object, "f", -1), -1);
  EXPECT_EQ(number_or(object, "i", 0), 7.0);
  EXPECT_TRUE(bool_or(object, "b", false));
  EXPECT_TRUE(bool_or(object, "t", true));
  EXPECT_EQ(find_object(object, "l"), nullptr);
  EXPECT_NE(find_array(object, "l"), nullptr);
  EXPECT_EQ(find(object, "nope"), nullptr);
  EXPECT_FALSE(find_string(object, "i").has_value());
}

TEST(Truthy, IsPythons) {
  for (const char* text : {"null", "false", "0", "0.0", "\"\"", "[]", "{}"}) EXPECT_FALSE(truthy(parse_json(text))) << text;
  for (const char* text : {"true", "-1", "0.1", "\"false\"", "[0]", "{\"a\": 0}"}) EXPECT_TRUE(truthy(parse_json(text))) << text;
}

}  // namespace
}  // namespace darkroom
