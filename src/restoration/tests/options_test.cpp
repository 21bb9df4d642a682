#include "restoration/options.hpp"

#include <gtest/gtest.h>

#include <string>

namespace darkroom::restoration {
namespace {

std::string refusal(const std::string& text) {
  try {
    parse_options(text);
  } catch (const Refusal& why) {
    return why.code + ": " + why.text;
  }
  return "";
}

TEST(RestoreOptions, NothingIsOnByItself) {
  for (const char* text : {"", "{}"}) {
    const RestoreOptions options = parse_options(text);
    EXPECT_FALSE(options.colorize.has_value());
    EXPECT_EQ(options.denoise + options.scratch + options.sharpen, 0);
    EXPECT_EQ(options.upscale, 1);
    EXPECT_FALSE(options.size.has_value());
    EXPECT_FALSE(options.to_json().contains("size"));
  }
}

TEST(RestoreOptions, AllIsTaken) {
  const RestoreOptions options = parse_options(
      R"({"colorize":true,"denoise":0.3,"scratch":true,"upscale":4.0,"sharpen":1,"model":"a.pth","upscale_model":null,"size":1024,"keep_gps":true,"lang":"zh"})");
  EXPECT_EQ(dump(json::value(options.to_json())),
            R"({"colorize":true,"denoise":0.3,"scratch":0.2,"upscale":4,"sharpen":1.0,"model":"a.pth","upscale_model":null,"size":1024,"keep_gps":true})");
  EXPECT_EQ(options.lang, "zh");
}

TEST(RestoreOptions, WhatIsWrongIsNamed) {
  EXPECT_EQ(refusal("{\"colour\":1}"), "bad_options: options: \"colour\" is not known");
  EXPECT_EQ(refusal("{\"denoise\":1.1}"), "bad_options: options: denoise must be a number from 0 to 1");
  EXPECT_EQ(refusal("{\"upscale\":3}"), "bad_options: options: upscale must be 1, 2 or 4");
  EXPECT_EQ(refusal("{\"upscale\":1e300}"), "bad_options: options: upscale must be a whole number");
  EXPECT_EQ(refusal("{\"colorize\":\"yes\"}"), "bad_options: options: colorize must be true or false");
  EXPECT_EQ(refusal("{\"lang\":\"fr\"}"), "bad_options: options: lang must be \"en\" or \"zh\"");
  EXPECT_EQ(refusal("[1]"), "bad_options: options: must be a JSON object");
  EXPECT_NE(refusal("{"), "");
}

TEST(RestoreOptions, SizesHaveARange) {
  EXPECT_EQ(refusal("{\"size\":256}") + refusal("{\"size\":1024}") + refusal("{\"size\":null}"), "");
  EXPECT_NE(refusal("{\"size\":255}"), "");
  EXPECT_NE(refusal("{\"size\":1025}"), "");
  EXPECT_NE(refusal("{\"size\":500}"), "") << "no multiple of 32";
}

TEST(RestoreOptions, NamesHaveALimit) {
  EXPECT_EQ(refusal("{\"model\":\"" + std::string(kMaxModelName, 'a') + "\"}"), "");
  EXPECT_NE(refusal("{\"model\":\"" + std::string(kMaxModelName + 1, 'a') + "\"}"), "");
}

}  // namespace
}  // namespace darkroom::restoration
