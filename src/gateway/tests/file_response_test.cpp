#include "gateway/file_response.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace darkroom {
namespace {

TEST(ParseRange, OneRangeOfEachForm) {
  ByteRange range;
  EXPECT_EQ(parse_range("bytes=0-99", 1000, range), RangeKind::kOne);
  EXPECT_EQ(range.first, 0u);
  EXPECT_EQ(range.length, 100u);
  EXPECT_EQ(parse_range("bytes=990-", 1000, range), RangeKind::kOne);
  EXPECT_EQ(range.first, 990u);
  EXPECT_EQ(range.length, 10u);
  EXPECT_EQ(parse_range("bytes=-5", 1000, range), RangeKind::kOne);
  EXPECT_EQ(range.first, 995u);
  EXPECT_EQ(parse_range("bytes=-5000", 1000, range), RangeKind::kOne);
  EXPECT_EQ(range.length, 1000u);
  EXPECT_EQ(parse_range("bytes=10-99999", 1000, range), RangeKind::kOne);
  EXPECT_EQ(range.length, 990u);
  EXPECT_EQ(parse_range("bytes=0-18446744073709551615", 1000, range), RangeKind::kOne);
  EXPECT_EQ(range.length, 1000u);
}

TEST(ParseRange, WhatCanNotBeMet) {
  ByteRange range;
  EXPECT_EQ(parse_range("bytes=1000-", 1000, range), RangeKind::kUnsatisfiable);
  EXPECT_EQ(parse_range("bytes=-0", 1000, range), RangeKind::kUnsatisfiable);
  EXPECT_EQ(parse_range("bytes=0-", 0, range), RangeKind::kUnsatisfiable);
}

TEST(ParseRange, WhatIsNoRangeSendsTheWholeFile) {
  ByteRange range;
  for (const char* text : {"", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-1", "bytes=0-1,5-6", "items=0-1", "bytes=1 2-3", "bytes=99999999999999999999999-"})
    EXPECT_EQ(parse_range(text, 1000, range), RangeKind::kNone) << text;
}

class PlanFile : public testing::Test {
 protected:
  ByteRange plan(std::initializer_list<std::pair<std::string, std::string>> headers) {
    Request request;
    request.headers = headers;
    response = Response::of_file("x");
    return plan_file(request, facts, response);
  }
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return "";
  }
  const FileFacts facts{1000, 784111777'500'000'000};
  const std::string tag = etag_of(facts);
  Response response;
};

TEST_F(PlanFile, WholeFile) {
  EXPECT_EQ(plan({}).length, 1000u);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header("ETag"), tag);
  EXPECT_EQ(header("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(header("Accept-Ranges"), "bytes");
}

TEST_F(PlanFile, NotModified) {
  for (const std::string& list : {tag, "\"x\", " + tag, "W/" + tag, std::string("*")}) {
    EXPECT_EQ(plan({{"if-none-match", list}}).length, 0u);
    EXPECT_EQ(response.status, 304) << list;
  }
  plan({{"if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  EXPECT_EQ(response.status, 304);
  plan({{"if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT"}});
  EXPECT_EQ(response.status, 200);
  plan({{"if-none-match", "\"x\""}, {"if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  EXPECT_EQ(response.status, 200) << "a tag beats a date";
}

TEST_F(PlanFile, Ranges) {
  const ByteRange range = plan({{"range", "bytes=10-19"}});
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(range.first, 10u);
  EXPECT_EQ(range.length, 10u);
  EXPECT_EQ(header("Content-Range"), "bytes 10-19/1000");
  plan({{"range", "bytes=5000-"}});
  EXPECT_EQ(response.status, 416);
  EXPECT_EQ(header("Content-Range"), "bytes */1000");
  plan({{"range", "bytes=10-19"}, {"if-range", "\"older\""}});
  EXPECT_EQ(response.status, 200) << "a range of another file";
  plan({{"range", "bytes=10-19"}, {"if-range", tag}});
  EXPECT_EQ(response.status, 206);
}

TEST(OpenFile, SaysWhyNot) {
  const auto folder = std::filesystem::temp_directory_path();
  EXPECT_EQ(OpenFile::open((folder / "no-such-file-here").string()).status(), 404);
  EXPECT_EQ(OpenFile::open(folder.string()).status(), 403);
}

}  // namespace
}  // namespace darkroom
