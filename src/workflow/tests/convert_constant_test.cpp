#include "workflow/convert_constant.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "workflow/types_meet.hpp"

namespace darkroom {
namespace {

std::string converted(const char* type, const json::value& value) {
  try {
    return dump(convert_constant(type, value));
  } catch (const ConversionError& error) {
    return error.what();
  }
}

TEST(ConvertConstant, Int) {
  EXPECT_EQ(converted("INT", "5"), "5");
  EXPECT_EQ(converted("INT", " +1_000 "), "1000");
  EXPECT_EQ(converted("INT", "-007"), "-7");
  EXPECT_EQ(converted("INT", 3.9), "3");
  EXPECT_EQ(converted("INT", -3.9), "-3");
  EXPECT_EQ(converted("INT", true), "1");
  EXPECT_EQ(converted("INT", "18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(converted("INT", "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(converted("INT", "18446744073709551616"), "the integer 18446744073709551616 does not fit 64 bits");
  EXPECT_EQ(converted("INT", "-9223372036854775809"), "the integer -9223372036854775809 does not fit 64 bits");
  EXPECT_EQ(converted("INT", 1e30), "the integer 1e+30 does not fit 64 bits");
  EXPECT_EQ(converted("INT", std::nan("")), "cannot convert float NaN to integer");
  for (const char* text : {"5.0", "many", "", "_1", "1_", "1__0", "0x10", "--1", "1 2"})
    EXPECT_EQ(converted("INT", text), "invalid literal for int() with base 10: '" + std::string(text) + "'");
  EXPECT_EQ(converted("INT", nullptr), "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'");
  EXPECT_EQ(converted("INT", json::object{{"a", 1}}), "int() argument must be a string, a bytes-like object or a real number, not 'dict'");
}

TEST(ConvertConstant, Float) {
  EXPECT_EQ(converted("FLOAT", "0.25"), "0.25");
  EXPECT_EQ(converted("FLOAT", 1), "1.0");
  EXPECT_EQ(converted("FLOAT", " .5e1\n"), "5.0");
  EXPECT_EQ(converted("FLOAT", "-1_0.5"), "-10.5");
  EXPECT_EQ(converted("FLOAT", "5."), "5.0");
  EXPECT_TRUE(std::isinf(convert_constant("FLOAT", "1e999").as_double()));
  EXPECT_EQ(convert_constant("FLOAT", "1e-999").as_double(), 0.0);
  EXPECT_TRUE(std::isnan(convert_constant("FLOAT", "nan").as_double()));
  EXPECT_TRUE(std::isinf(convert_constant("FLOAT", "-Infinity").as_double()));
  EXPECT_FALSE(is_finite_json(convert_constant("FLOAT", "nan")));
  for (const char* text : {"half", "", "1e", "+-1", "nan(1)", "0x1p3", "1,5"})
    EXPECT_EQ(converted("FLOAT", text), "could not convert string to float: '" + std::string(text) + "'");
  EXPECT_EQ(converted("FLOAT", json::array{}), "float() argument must be a string or a real number, not 'list'");
}

TEST(ConvertConstant, StringAndBoolean) {
  EXPECT_EQ(converted("STRING", 12), R"("12")");
  EXPECT_EQ(converted("STRING", nullptr), R"("None")");
  EXPECT_EQ(converted("STRING", true), R"("True")");
  EXPECT_EQ(converted("STRING", json::object{{"a", "b"}}), R"("{'a': 'b'}")");
  EXPECT_EQ(converted("BOOLEAN", "false"), "true");
  EXPECT_EQ(converted("BOOLEAN", 0), "false");
  EXPECT_EQ(converted("BOOLEAN", ""), "false");
  EXPECT_EQ(converted("BOOLEAN", nullptr), "false");
  EXPECT_EQ(converted("IMAGE", "anything"), R"("anything")");
}

TEST(TypesMeet, FollowsTheRules) {
  EXPECT_TRUE(types_meet("IMAGE", "IMAGE"));
  EXPECT_FALSE(types_meet("IMAGE", "MASK"));
  EXPECT_TRUE(types_meet("INT,FLOAT", "INT"));
  EXPECT_TRUE(types_meet("INT", "FLOAT , INT"));
  EXPECT_FALSE(types_meet("INT", "FLOAT,STRING"));
  EXPECT_TRUE(types_meet("*", "MASK"));
  EXPECT_TRUE(types_meet("MASK", "A,*"));
  EXPECT_TRUE(types_meet("COMFY_MATCHTYPE_V3", "MASK"));
  const json::array list{"a", "b"};
  EXPECT_TRUE(types_meet(list, list));
  EXPECT_FALSE(types_meet(list, json::array{"a"}));
  EXPECT_TRUE(types_meet(list, "COMBO"));
  EXPECT_TRUE(types_meet(list, "*"));
  EXPECT_FALSE(types_meet("COMBO", list));
  EXPECT_FALSE(types_meet(list, "STRING"));
}

TEST(PythonEqual, NumbersAreOneKind) {
  EXPECT_TRUE(python_equal(1, 1.0));
  EXPECT_TRUE(python_equal(true, 1));
  EXPECT_FALSE(python_equal("1", 1));
  EXPECT_FALSE(python_equal(std::uint64_t{18446744073709551615u}, 18446744073709551616.0));
  EXPECT_TRUE(python_equal(json::object{{"a", 1}, {"b", 2}}, json::object{{"b", 2.0}, {"a", true}}));
}

}  // namespace
}  // namespace darkroom
