#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/safe_file.hpp"
#include "gateway/tests/route_bench.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct View : testing::Test {
  RouteBench bench;
  View() { add_view_routes(bench.router, bench.services); }
  int status(const std::string& query) { return bench.get("/view?" + query).status; }
};

TEST_F(View, finds_files_by_type_subfolder_and_mark) {
  bench.scratch.write("output/a.png", "out");
  bench.scratch.write("input/a.png", "in");
  bench.scratch.write("temp/sub/a.png", "tmp");
  const auto text = [&](const std::string& query) { return RouteBench::text_of(bench.get("/view?" + query)); };
  EXPECT_EQ(text("filename=a.png"), "out");
  EXPECT_EQ(text("filename=a.png&type=input&rand=0.5"), "in");
  EXPECT_EQ(text("filename=a.png&type=temp&subfolder=sub"), "tmp");
  EXPECT_EQ(text("filename=a.png%20[input]&type=temp"), "in");
  EXPECT_EQ(text("filename=no/such/a.png"), "out");  // only the last part counts
  EXPECT_EQ(text("filename=a.png&channel=zzz"), "out");
}

TEST_F(View, refuses_as_the_protocol_says) {
  fs::create_directory_symlink("/etc", bench.folders.output / "etc");
  fs::create_symlink("/etc/passwd", bench.folders.output / "passwd");
  fs::create_directory(bench.folders.output / "folder");
  EXPECT_EQ(bench.get("/view").status, 404);
  for (const char* query : {"filename=", "filename=../x", "filename=/etc/passwd", "filename=a..b.png", "filename=x&type=models", "filename=[output]",
                            "filename=x%00y", "filename=C:x", "filename=%FF"})
    EXPECT_EQ(status(query), 400) << query;
  for (const char* query : {"filename=x&subfolder=../..", "filename=x&subfolder=/etc", "filename=passwd&subfolder=etc", "filename=passwd"})
    EXPECT_EQ(status(query), 403) << query;
  for (const char* query : {"filename=none", "filename=x&subfolder=no/such", "filename=folder"}) EXPECT_EQ(status(query), 404) << query;
}

TEST_F(View, never_serves_what_a_browser_would_run) {
  for (const char* name : {"a.html", "a.xhtml", "a.js", "a.mjs", "a.css", "a.svg", "a.xml", "a.HTML", "a.htm"}) {
    bench.scratch.write(std::string("output/") + name, "<script>");
    const Response reply = bench.get(std::string("/view?filename=") + name);
    ASSERT_TRUE(reply.file) << name;
    EXPECT_EQ(reply.file->content_type, "application/octet-stream") << name;
    EXPECT_THAT(RouteBench::header_of(reply, "Content-Disposition"), testing::StartsWith("attachment; ")) << name;
    EXPECT_EQ(RouteBench::header_of(reply, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(RouteBench::header_of(reply, "Cache-Control"), "no-store");
  }
  const Response picture = bench.ask("GET", "/view?filename=a.svg", "", {{"sec-fetch-dest", "image"}});
  EXPECT_EQ(picture.file->content_type, "image/svg+xml");
  EXPECT_THAT(RouteBench::header_of(picture, "Content-Security-Policy"), HasSubstr("sandbox"));
  bench.scratch.write("output/a.png", "x");
  const Response plain = bench.get("/view?filename=a.png");
  EXPECT_EQ(RouteBench::header_of(plain, "Content-Disposition"), "filename=\"a.png\"");
  EXPECT_EQ(plain.file->content_type, "image/png");
}

TEST_F(View, names_in_headers_cannot_break_out) {
  EXPECT_EQ(content_disposition("a\"b\\c\r\nX: y.png", false), "filename=\"a\\\"b\\\\cX: y.png\"");
  EXPECT_EQ(content_disposition("ü.png", true), "attachment; filename=\"ü.png\"");
}

TEST_F(View, reads_the_texts_of_safetensors) {
  const std::string head = R"({"__metadata__":{"title":"t"},"w":{"dtype":"F32"}})";
  bench.scratch.write("models/loras/a.safetensors", std::string(1, static_cast<char>(head.size())) + std::string(7, '\0') + head);
  bench.scratch.write("models/loras/long.safetensors", std::string(8, '\x7f'));
  bench.scratch.write("models/loras/bad.safetensors", std::string("\x03\0\0\0\0\0\0\0{ab", 11));
  EXPECT_EQ(RouteBench::text_of(bench.get("/view_metadata/loras?filename=a.safetensors")), R"({"title":"t"})");
  EXPECT_EQ(RouteBench::text_of(bench.get("/view_metadata/loras?filename=../../a.safetensors")), R"({"title":"t"})");
  for (const char* query : {"loras", "loras?filename=none.safetensors", "loras?filename=a.txt", "nope?filename=a.safetensors",
                            "loras?filename=long.safetensors", "loras?filename=bad.safetensors"})
    EXPECT_EQ(bench.get(std::string("/view_metadata/") + query).status, 404) << query;
}

}  // namespace
}  // namespace darkroom
