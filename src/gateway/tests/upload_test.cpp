#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "gateway/tests/route_bench.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using Fields = std::vector<std::pair<std::string, std::string>>;

struct Upload : testing::Test {
  RouteBench bench;
  Upload() { add_upload_routes(bench.router, bench.services); }

  static std::string form(const std::string& filename, const std::string& content, const Fields& before = {}, const Fields& after = {}) {
    std::string body;
    const auto text = [&](const auto& field) {
      body += "--b\r\nContent-Disposition: form-data; name=\"" + field.first + "\"\r\n\r\n" + field.second + "\r\n";
    };
    for (const auto& field : before) text(field);
    body += "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"" + filename + "\"\r\n\r\n" + content + "\r\n";
    for (const auto& field : after) text(field);
    return body + "--b--\r\n";
  }
  Response post(const std::string& body, const char* path = "/upload/image") {
    return bench.ask("POST", path, body, {{"content-type", "multipart/form-data; boundary=b"}}, 7);
  }
  std::string name_of(const Response& response) {
    EXPECT_EQ(response.status, 200);
    return string_or(RouteBench::json_of(response).as_object(), "name", "?");
  }
  /// Files below a folder, parts of uploads too.
  static std::size_t files_in(const fs::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) count += entry.is_regular_file();
    return count;
  }
};

TEST_F(Upload, stores_any_file_and_numbers_other_content) {
  EXPECT_EQ(name_of(post(form("a.png", "one"))), "a.png");
  EXPECT_EQ(name_of(post(form("a.png", "one"))), "a.png");
  EXPECT_EQ(name_of(post(form("a.png", "two"))), "a (1).png");
  EXPECT_EQ(name_of(post(form("a.png", "two"))), "a (1).png");
  EXPECT_EQ(name_of(post(form("a.png", "six"))), "a (2).png");
  EXPECT_EQ(name_of(post(form("a.png", "ten", {{"overwrite", "yes"}}))), "a (3).png");
  EXPECT_EQ(ScratchFolder::read(bench.folders.input / "a.png"), "one");
  EXPECT_EQ(name_of(post(form("a.png", "new", {{"overwrite", "true"}}))), "a.png");
  EXPECT_EQ(ScratchFolder::read(bench.folders.input / "a.png"), "new");
  EXPECT_EQ(name_of(post(form("a.png", "newer", {}, {{"overwrite", "1"}}))), "a.png");
  EXPECT_EQ(ScratchFolder::read(bench.folders.input / "a.png"), "newer");
  EXPECT_EQ(name_of(post(form("none", "x"))), "none");
  EXPECT_EQ(name_of(post(form("none", "y"))), "none (1)");
  EXPECT_EQ(name_of(post(form("empty.bin", ""))), "empty.bin");
  EXPECT_EQ(files_in(bench.folders.input), 7u);  // and no part of any upload
}

TEST_F(Upload, goes_where_type_and_subfolder_say) {
  const Response reply = post(form("b.png", "x", {}, {{"type", "temp"}, {"subfolder", "./run//x/../in"}}));
  EXPECT_EQ(RouteBench::text_of(reply), R"({"name":"b.png","subfolder":"./run//x/../in","type":"temp"})");
  EXPECT_EQ(ScratchFolder::read(bench.folders.temp / "run/in/b.png"), "x");
  EXPECT_EQ(name_of(post(form("..\\x.png", "x"))), "..x.png");
  EXPECT_EQ(name_of(post(form("ü e.png", "x"))), "ü e.png");
  EXPECT_EQ(files_in(bench.folders.input), 2u);
}

TEST_F(Upload, refuses_every_way_out_and_writes_nothing) {
  fs::create_directory_symlink("/tmp", bench.folders.input / "out");
  const std::size_t before = files_in(bench.scratch.path());
  for (const char* name : {"../x.png", "/etc/x.png", "a/../../x.png", "C:\\\\x.png", "out/x.png", ".", "..", "x/"})
    EXPECT_EQ(post(form(name, "x")).status, 400) << name;
  for (const char* subfolder : {"../..", "/etc", "out", "a/../../b", "\\\\server"})
    EXPECT_EQ(post(form("x.png", "x", {}, {{"subfolder", subfolder}})).status, 400) << subfolder;
  EXPECT_EQ(post(form("x.png", "x", {{"type", "models"}})).status, 400);
  EXPECT_EQ(post(form("no/such/x.png", "x")).status, 400);
  EXPECT_EQ(post(form(std::string(300, 'a'), "x")).status, 400);
  EXPECT_EQ(files_in(bench.scratch.path()), before);
}

TEST_F(Upload, refuses_what_is_no_upload) {
  EXPECT_EQ(post("--b\r\nContent-Disposition: form-data; name=\"overwrite\"\r\n\r\ntrue\r\n--b--").status, 400);
  EXPECT_EQ(post("--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\ntext\r\n--b--").status, 400);
  EXPECT_EQ(post(form("", "x")).status, 400);
  EXPECT_EQ(post(form("a.png", "x").substr(0, 75)).status, 400);
  EXPECT_EQ(bench.ask("POST", "/upload/image", "{}", {{"content-type", "application/json"}}).status, 400);
  EXPECT_EQ(files_in(bench.folders.input), 0u);
}

TEST_F(Upload, texts_have_a_limit) {
  const auto post_whole = [&](const std::string& body) {
    return bench.ask("POST", "/upload/image", body, {{"content-type", "multipart/form-data; boundary=b"}}, 64u << 10).status;
  };
  EXPECT_EQ(post_whole(form("a.png", "x", {{"note", std::string(1u << 20, 't')}})), 200u);
  EXPECT_THROW(post_whole(form("b.png", "x", {{"note", std::string((1u << 20) + 1, 't')}})), TooLarge);
  EXPECT_THROW(post_whole(form("c.png", "x", {}, {{"note", std::string((1u << 20) + 1, 't')}})), TooLarge);
  EXPECT_EQ(files_in(bench.folders.input), 1u);
}

TEST_F(Upload, a_mask_needs_its_picture) {
  const auto mask = [&](const std::string& reference) { return post(form("m.png", "x", {}, {{"original_ref", reference}}), "/upload/mask").status; };
  EXPECT_EQ(mask(R"({"filename": "nope.png"})"), 404);
  EXPECT_EQ(mask(R"({"filename": "../x.png"})"), 400);
  EXPECT_EQ(mask(R"({"filename": "/etc/passwd"})"), 400);
  EXPECT_EQ(mask(R"({"filename": "x.png", "subfolder": "../.."})"), 403);
  EXPECT_EQ(mask(R"({"filename": "x.png", "type": "models"})"), 400);
  EXPECT_EQ(mask(R"({"type": "input"})"), 400);
  EXPECT_EQ(mask("{bad"), 500);
  EXPECT_EQ(files_in(bench.folders.input), 0u);
}

}  // namespace
}  // namespace darkroom
