// The parts of API v2 that need no server: ids of results, assets in workflows, names, JSON and times.

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "gateway/v2/asset_form.hpp"
#include "gateway/v2/asset_ids.hpp"
#include "gateway/v2/reply.hpp"
#include "gateway/v2/workflow_assets.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom::v2 {
namespace {

TEST(AssetIds, SayWhereAResultLies) {
  const ResultFile file{.type = "output", .subfolder = "a/b", .filename = "Ü x_00001_.png", .job_id = "7f3d"};
  const std::string id = id_of(file);
  EXPECT_EQ(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), std::string::npos)
      << "safe in a path";
  EXPECT_EQ(result_of(id), file);
  for (const char* other : {"", "r_", "r_!", "r_YQ", "9f8a1c0d-2b3e-4f56-8a7b-1c2d3e4f5a6b"}) EXPECT_FALSE(result_of(other)) << other;
}

json::value asset(const char* id) {
  return json::object{{"__type", "core/ASSET"}, {"info", json::object{{"id", id}, {"hash", "blake3:00"}}}};
}

TEST(WorkflowAssets, AreReplacedWhereverTheyStandAndPutBack) {
  json::object workflow{{"1", json::object{{"class_type", "LoadImage"},
                                           {"inputs", json::object{{"image", asset("a")}, {"other", json::array{1, asset("b")}}}}}},
                        {"2", json::object{{"class_type", "X"},
                                           {"inputs", json::object{{"text", "core/ASSET"}, {"deep", json::object{{"x", asset("a")}}}}}}}};
  const json::object sent = workflow;
  std::vector<std::string> asked;
  const json::array places = replace_assets(workflow, [&](const std::string& id) {
    asked.push_back(id);
    return id + ".png";
  });
  EXPECT_EQ(asked, (std::vector<std::string>{"a", "b", "a"}));
  EXPECT_EQ(workflow.at("1").at("inputs").at("image").as_string(), "a.png");
  EXPECT_EQ(workflow.at("1").at("inputs").at("other").at(1).as_string(), "b.png");
  EXPECT_EQ(workflow.at("2").at("inputs").at("deep").at("x").as_string(), "a.png");
  restore_assets(workflow, places);
  EXPECT_EQ(dump(workflow), dump(sent));
  restore_assets(workflow, json::array{json::array{"9", "inputs", asset("a")}, 5, json::array{}});  // of another graph: nothing happens
  EXPECT_EQ(dump(workflow), dump(sent));
}

TEST(WorkflowAssets, OneWithoutAnIdIsRefused) {
  json::object workflow{
      {"1", json::object{{"inputs", json::object{{"image", json::object{{"__type", "core/ASSET"}, {"info", json::object{}}}}}}}}};
  EXPECT_THROW(replace_assets(workflow, [](const std::string&) { return ""; }), Refusal);
}

TEST(WorkflowAssets, OnesThatAreTooLongOrTooManyAreRefused) {
  const auto workflow_of = [](json::value item) {
    return json::object{{"1", json::object{{"inputs", json::object{{"image", std::move(item)}}}}}};
  };
  json::value longest = asset("a");
  longest.as_object()["x"] = "";
  longest.as_object()["x"] = std::string(4096 - dump(longest).size(), 'x');
  EXPECT_EQ(assets_in(workflow_of(longest)).size(), 1u);
  longest.as_object()["x"].as_string().push_back('x');
  EXPECT_THROW(assets_in(workflow_of(longest)), Refusal);
  json::array many(256, asset("a"));
  EXPECT_EQ(assets_in(workflow_of(many)).size(), 256u);
  many.push_back(asset("a"));
  EXPECT_THROW(assets_in(workflow_of(many)), Refusal);
}

TEST(AssetForm, NamesBecomePlain) {
  EXPECT_EQ(plain_name("photo.png"), "photo.png");
  EXPECT_EQ(plain_name("models/checkpoints/x.safetensors"), "x.safetensors");
  EXPECT_EQ(plain_name("..\\..\\etc"), "etc");
  EXPECT_EQ(plain_name("a\x01\nb.png"), "ab.png");
  for (const char* none : {"", "..", ".", "a/"}) EXPECT_EQ(plain_name(none), "upload.bin") << none;
  const std::string longest = plain_name(std::string(300, 'x') + "\u00fc.png");
  EXPECT_EQ(longest.size(), 200u);
  EXPECT_TRUE(longest.ends_with(".png"));
  EXPECT_EQ(plain_ending("a.PNG"), ".png");
  for (const char* none : {"a", ".hidden", "a.p/g", "a.", "a.waytoolongending"}) EXPECT_EQ(plain_ending(none), "") << none;
}

TEST(AssetForm, TextsHaveALimit) {
  ScratchFolder folder;
  AssetForm form(folder / "assets");
  form.begin({.name = "file_path"});
  form.data(std::string(64u << 10, 'x'));
  EXPECT_THROW(form.data("x"), TooLarge);
}

TEST(AssetForm, HashesWhatItStores) {
  ScratchFolder folder;
  AssetForm form(folder / "assets");
  form.begin({.name = "file", .filename = "a.txt"});
  form.data("a");
  form.data("bc");
  form.end();
  EXPECT_EQ(form.hash(), "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
  EXPECT_EQ(form.size(), 3);
  EXPECT_THROW(form.begin({.name = "file", .filename = "b.txt"}), InvalidInput);
}

TEST(ReplyV2, JsonIsAscii) { EXPECT_EQ(ascii_json("a\u2028\u00e4\x7f\U0001f600\""), R"("a\u2028\u00e4\u007f\ud83d\ude00\"")"); }

TEST(ReplyV2, TimesAreInUtc) {
  EXPECT_EQ(time_text(1'767'607'200'123), "2026-01-05T10:00:00.123Z");
  EXPECT_TRUE(time_or_null(0).is_null());
}

TEST(ReplyV2, AddressesAreThoseOfTheClient) {
  Request request;
  request.headers = {{"host", "a.example:8188"}};
  EXPECT_EQ(base_address(request), "http://a.example:8188");
  request.headers = {
      {"host", "inside"}, {"x-forwarded-host", "b.example"}, {"x-forwarded-proto", "https"}, {"x-forwarded-prefix", "/darkroom/"}};
  EXPECT_EQ(base_address(request), "https://b.example/darkroom");
  request.headers.back().second = "//evil.example";
  EXPECT_EQ(outer_prefix(request), "");
  request.connection.loopback = false;
  EXPECT_EQ(base_address(request), "https://inside") << "only a proxy of this machine speaks for others";
}

}  // namespace
}  // namespace darkroom::v2
