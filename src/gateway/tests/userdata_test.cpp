#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "gateway/tests/route_bench.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

struct UserData : testing::Test {
  RouteBench bench;
  UserData() {
    add_userdata_routes(bench.router, bench.services);
    add_settings_routes(bench.router, bench.services);
    add_users_routes(bench.router, bench.services);
  }
  std::string text(const Response& response) { return std::to_string(response.status) + " " + RouteBench::text_of(response); }
  std::string get(const std::string& target) { return text(bench.get(target)); }
  std::string post(const std::string& target, const std::string& body = "") { return text(bench.ask("POST", target, body)); }
};

TEST_F(UserData, keeps_files_under_one_segment) {
  EXPECT_EQ(post("/userdata/workflows%2Fa.json", "{}"), "200 \"workflows/a.json\"");
  EXPECT_EQ(get("/api/userdata/workflows%2Fa.json"), "200 {}");
  EXPECT_EQ(post("/userdata/workflows%2Fa.json?overwrite=false", "new"), "409 File already exists");
  EXPECT_EQ(post("/userdata/workflows%2Fa.json?overwrite=true", "new"), "200 \"workflows/a.json\"");
  EXPECT_EQ(post("/userdata/workflows/a.json", "x").substr(0, 3), "405");
  const json::object info = RouteBench::json_of(bench.ask("POST", "/userdata/b?full_info=true", "four")).as_object();
  EXPECT_EQ(string_or(info, "path", ""), "b");
  EXPECT_EQ(int_or(info, "size", 0), 4);
  EXPECT_TRUE(info.at("modified").is_double());
  EXPECT_EQ(text(bench.ask("DELETE", "/userdata/b")), "204 ");
  EXPECT_EQ(text(bench.ask("DELETE", "/userdata/b")), "404 ");
}

TEST_F(UserData, lists_and_moves) {
  post("/userdata/w%2Fb.json", "1");
  post("/userdata/w%2Fsub%2FA.json", "22");
  EXPECT_EQ(get("/userdata?dir=w"), "200 [\"b.json\"]");
  EXPECT_EQ(get("/userdata?dir=w&split=true"), "200 [[\"b.json\",\"b.json\"]]");
  EXPECT_EQ(RouteBench::json_of(bench.get("/userdata?dir=w&recurse=true")).as_array().size(), 2u);
  const json::array tree = RouteBench::json_of(bench.get("/v2/userdata?path=w")).as_array();
  ASSERT_EQ(tree.size(), 3u);
  EXPECT_EQ(dump(tree[0]), R"({"name":"sub","path":"w/sub","type":"directory"})");
  EXPECT_EQ(string_or(tree[1].as_object(), "name", ""), "A.json");
  EXPECT_EQ(post("/userdata/w%2Fb.json/move/w%2Fsub%2FA.json?overwrite=false"), "409 File already exists");
  EXPECT_EQ(post("/userdata/w%2Fb.json/move/new%2Fc.json"), "200 \"new/c.json\"");
  EXPECT_EQ(post("/userdata/w%2Fb.json/move/d"), "404 ");
  EXPECT_EQ(get("/userdata/new%2Fc.json"), "200 1");
}

TEST_F(UserData, of_two_moves_to_one_name_only_one_succeeds) {
  // What a test and a rename in two steps would not give: with both at once, one of them always finds the name taken.
  for (int round = 0; round < 50; ++round) {
    post("/userdata/a", "a");
    post("/userdata/b", "b");
    const auto move = [](RouteBench& place, const char* from) {
      return place.ask("POST", std::string("/userdata/") + from + "/move/c?overwrite=false").status;
    };
    auto other = std::async(std::launch::async, [&] { return move(bench, "a"); });
    const unsigned mine = move(bench, "b");
    EXPECT_EQ(mine + other.get(), 200u + 409u);
    bench.ask("DELETE", "/userdata/c");
  }
}

TEST_F(UserData, stays_in_the_users_folder) {
  bench.scratch.write("secret", "s");
  fs::create_directories(bench.folders.user / "default");
  fs::create_symlink(bench.scratch / "secret", bench.folders.user / "default/link");
  EXPECT_EQ(get("/userdata/..%2F..%2Fsecret"), "403 ");
  EXPECT_EQ(get("/userdata/link"), "403 ");
  EXPECT_EQ(get("/userdata/%2Fetc%2Fpasswd"), "403 ");
  EXPECT_EQ(post("/userdata/..%2Fx", "x"), "403 ");
  EXPECT_EQ(post("/userdata/" + std::string(300, 'a'), "x").substr(0, 3), "400");
  EXPECT_EQ(post("/userdata/a/move/..%2F..%2Fx"), "403 ");
  EXPECT_EQ(text(bench.ask("DELETE", "/userdata/..%2F..%2Fsecret")), "403 ");
  EXPECT_EQ(get("/userdata"), "400 Directory not provided");
  EXPECT_EQ(get("/userdata?dir=../.."), "403 Invalid directory");
  EXPECT_EQ(get("/userdata?dir=none"), "404 Directory not found");
  EXPECT_EQ(get("/v2/userdata?path=../.."), "400 Invalid path requested");
  EXPECT_EQ(get("/v2/userdata?path=none"), "404 Requested path not found");
  EXPECT_EQ(get("/v2/userdata?path=link"), "400 Invalid path requested");
  EXPECT_TRUE(fs::exists(bench.scratch / "secret"));
}

TEST_F(UserData, files_are_downloads_but_for_the_style_sheet) {
  post("/userdata/a.html", "<script>");
  post("/userdata/user.css", "body {}");
  const Response page = bench.get("/userdata/a.html");
  EXPECT_EQ(page.file->content_type, "application/octet-stream");
  EXPECT_THAT(RouteBench::header_of(page, "Content-Disposition"), testing::StartsWith("attachment"));
  EXPECT_EQ(bench.get("/userdata/user.css").file->content_type, "text/css");
}

TEST_F(UserData, settings_are_kept_as_one_readable_file) {
  EXPECT_EQ(get("/settings"), "200 {}");
  EXPECT_EQ(post("/settings/a.b", R"({"x": [1, null], "e": {}})"), "200 ");
  EXPECT_EQ(post("/settings", R"({"c": "ü", "a.b2": 1.0})"), "200 ");
  EXPECT_EQ(get("/settings/a.b"), R"(200 {"x":[1,null],"e":{}})");
  EXPECT_EQ(get("/settings/none"), "200 null");
  EXPECT_EQ(post("/settings/c", "null"), "200 ");
  EXPECT_EQ(get("/settings/c"), "200 null");
  EXPECT_EQ(ScratchFolder::read(bench.folders.user / "default/comfy.settings.json"),
            "{\n    \"a.b\": {\n        \"x\": [\n            1,\n            null\n        ],\n        \"e\": {}\n    },\n    \"c\": null,\n    \"a.b2\": 1.0\n}");
  EXPECT_EQ(post("/settings", "oops").substr(0, 3), "500");
  EXPECT_EQ(post("/settings", "[]").substr(0, 3), "500");
  bench.scratch.write("user/default/comfy.settings.json", "{damaged");
  EXPECT_EQ(get("/settings"), "200 {}");
}

TEST_F(UserData, settings_have_a_limit) {
  const auto deep = [](int levels) { return std::string(static_cast<std::size_t>(levels), '[') + std::string(static_cast<std::size_t>(levels), ']'); };
  EXPECT_EQ(post("/settings/deep", deep(32)), "200 ");
  EXPECT_EQ(post("/settings/deep", deep(33)).substr(0, 3), "413");
  const auto long_text = [](std::size_t bytes) { return "\"" + std::string(bytes - 2, 'x') + "\""; };
  EXPECT_EQ(post("/settings/long", long_text(1u << 20)), "200 ");
  EXPECT_EQ(post("/settings/long", long_text((1u << 20) + 1)).substr(0, 3), "413");
  for (const char* name : {"b", "c"}) EXPECT_EQ(post(std::string("/settings/") + name, long_text(1u << 20)), "200 ");
  EXPECT_EQ(post("/settings/d", long_text(1u << 20)).substr(0, 3), "413") << "all together";
  EXPECT_EQ(get("/settings/d"), "200 null");
}

TEST_F(UserData, one_user_is_everybody) {
  EXPECT_EQ(get("/users"), R"(200 {"storage":"server","migrated":false})");
  post("/settings/a", "1");
  EXPECT_EQ(get("/users"), R"(200 {"storage":"server","migrated":true})");
}

TEST(ManyUsers, have_folders_of_their_own) {
  Options options;
  options.multi_user = true;
  RouteBench bench(options);
  add_users_routes(bench.router, bench.services);
  add_settings_routes(bench.router, bench.services);
  add_userdata_routes(bench.router, bench.services);
  const Response added = bench.ask("POST", "/users", R"({"username": "Ann & Bob"})");
  const std::string id(RouteBench::json_of(added).as_string());
  EXPECT_THAT(id, testing::MatchesRegex("Ann-Bob_[0-9a-f-]{36}"));
  EXPECT_EQ(RouteBench::text_of(bench.ask("POST", "/users", R"({"username": "Ann & Bob"})")), R"({"error":"Duplicate username."})");
  EXPECT_EQ(bench.ask("POST", "/users", R"({"username": ""})").status, 400);
  EXPECT_EQ(bench.ask("POST", "/users", R"({"username": "__system"})").status, 400);
  EXPECT_EQ(bench.ask("POST", "/users", "{}").status, 500);
  EXPECT_EQ(RouteBench::text_of(bench.get("/users")), "{\"storage\":\"server\",\"users\":{\"" + id + "\":\"Ann & Bob\"}}");

  bench.who.name = id;
  EXPECT_EQ(bench.ask("POST", "/settings/a", "1").status, 200);
  EXPECT_TRUE(fs::exists(bench.folders.user / id / "comfy.settings.json"));
  for (const std::string stranger : {"", "nobody", "__system", "../input"}) {
    bench.who.name = stranger;
    EXPECT_EQ(bench.get("/settings").status, 401) << stranger;
    EXPECT_EQ(bench.get("/v2/userdata").status, 403) << stranger;
    EXPECT_EQ(bench.get("/userdata?dir=x").status, 500) << stranger;
  }
}

}  // namespace
}  // namespace darkroom
