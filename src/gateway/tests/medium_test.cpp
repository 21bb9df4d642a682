#include "gateway/medium.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

std::string told(std::string_view head) {
  const auto medium = medium_of(head);
  return medium ? std::string(medium->kind) + " " + medium->ending : "";
}

TEST(Medium, IsToldByItsFirstBytes) {
  using namespace std::string_view_literals;
  EXPECT_EQ(told("\x89PNG\r\n\x1a\n"), "image .png");
  EXPECT_EQ(told("\xff\xd8\xff\xe0"), "image .jpg");
  EXPECT_EQ(told("RIFF\0\0\0\0WEBPVP8 "sv), "image .webp");
  EXPECT_EQ(told("RIFF\0\0\0\0WAVEfmt "sv), "audio .wav");
  EXPECT_EQ(told("RIFF\0\0\0\0AVI LIST"sv), "video .avi");
  EXPECT_EQ(told("\0\0\0 ftypisom"sv), "video .mp4");
  EXPECT_EQ(told("\0\0\0 ftypqt  "sv), "video .mov");
  EXPECT_EQ(told("\0\0\0 ftypM4A "sv), "audio .m4a");
  EXPECT_EQ(told("\0\0\0 ftypavif"sv), "image .avif");
  EXPECT_EQ(told("\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska"), "video .mkv");
  EXPECT_EQ(told("\x1a\x45\xdf\xa3\x93\x42\x82\x84webm"), "video .webm");
  EXPECT_EQ(told("OggS\0"), "audio .ogg");
  EXPECT_EQ(told("fLaC"), "audio .flac");
  EXPECT_EQ(told("ID3\4"), "audio .mp3");
  EXPECT_EQ(told(""), "");
  EXPECT_EQ(told("<svg xmlns=\"http://www.w3.org/2000/svg\">"), "");
  EXPECT_EQ(told("<!doctype html>"), "");
  EXPECT_EQ(told("%PDF-1.7"), "");
}

}  // namespace
}  // namespace darkroom
