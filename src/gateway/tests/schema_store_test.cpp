#include "gateway/schema_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "gateway/tests/route_bench.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const SchemaSet> two_classes() {
  auto set = std::make_shared<SchemaSet>();
  set->add(NodeSchema("LoadImage", Form::kV1).input("image", files("image")).output(Image{}));
  set->add(NodeSchema("Upscale/Model ü", Form::kV1).input("model_name", models("upscale_models")).output(Image{}));
  return set;
}

TEST(FolderLists, read_again_only_what_changed) {
  ScratchFolder scratch;
  const Folders folders = Folders::below(scratch.path());
  folders.create_missing();
  FolderLists lists(folders);
  const ListSource inputs{ListSource::Kind::kInputFiles, "image"}, loras{ListSource::Kind::kModels, "loras"};
  EXPECT_THAT(lists.list(inputs), ElementsAre());
  EXPECT_THAT(lists.list(loras), ElementsAre());
  const auto before = lists.generation();
  EXPECT_EQ(lists.generation(), before);
  scratch.write("input/a.png");
  scratch.write("models/loras/deep/er/x.pt");
  EXPECT_THAT(lists.list(inputs), ElementsAre("a.png"));
  EXPECT_THAT(lists.list(loras), ElementsAre("deep/er/x.pt"));
  EXPECT_GT(lists.generation(), before);
  scratch.write("models/loras/deep/er/y.pt");
  EXPECT_THAT(lists.list(loras), ElementsAre("deep/er/x.pt", "deep/er/y.pt"));
  fs::remove(scratch / "input/a.png");
  EXPECT_THAT(lists.list(inputs), ElementsAre());
}

TEST(FolderLists, know_files_and_other_names) {
  ScratchFolder scratch, shipped;
  shipped.write("upscale_models/realesrgan-x4plus.param");
  const Folders folders = Folders::below(scratch.path(), {shipped.path()});
  FolderLists lists(folders);
  const ListSource upscalers{ListSource::Kind::kModels, "upscale_models"};
  EXPECT_TRUE(lists.accepts_unlisted(upscalers, "RealESRGAN_x4plus.pth"));
  EXPECT_FALSE(lists.accepts_unlisted(upscalers, "RealESRGAN_x4plus_anime_6B.pth"));
  EXPECT_FALSE(lists.accepts_unlisted(upscalers, "../x"));
  // A folder whose models workflows name in several ways, and one behind it.
  const ListSource colorizers{ListSource::Kind::kModels, "ddcolor,upscale_models"};
  scratch.write("models/ddcolor/mine.safetensors");
  EXPECT_THAT(lists.list(colorizers), ElementsAre("mine.safetensors", "realesrgan-x4plus.param"));
  for (const char* name : {"mine", "mine.pth", "realesrgan_x4plus", "RealESRGAN_x4plus.pth", "ddcolor_paper_tiny.pth"}) EXPECT_TRUE(lists.accepts_unlisted(colorizers, name)) << name;
  for (const char* name : {"yours", "../mine", ""}) EXPECT_FALSE(lists.accepts_unlisted(colorizers, name)) << name;
  EXPECT_FALSE(lists.accepts_unlisted(upscalers, "realesrgan"));
  scratch.write("output/a.png");
  EXPECT_TRUE(lists.file_exists("a.png [output]"));
  EXPECT_FALSE(lists.file_exists("a.png"));
  EXPECT_FALSE(lists.file_exists("../output/a.png"));
}

TEST(SchemaStore, makes_its_text_once_per_change) {
  RouteBench bench;
  EXPECT_THROW(bench.schemas.info("local"), Unavailable);
  bench.schemas.replace(two_classes());
  const auto first = bench.schemas.info("local");
  EXPECT_EQ(bench.schemas.info("local").text, first.text);
  bench.scratch.write("input/new.png");
  const auto second = bench.schemas.info("local");
  EXPECT_NE(second.etag, first.etag);
  EXPECT_THAT(*second.text, HasSubstr("new.png"));
  bench.schemas.replace(two_classes());
  EXPECT_EQ(bench.schemas.info("local").etag, second.etag);
}

TEST(SchemaStore, shows_users_their_own_files) {
  RouteBench bench;
  bench.schemas.replace(two_classes());
  bench.scratch.write("input/local.png");
  bench.scratch.write("input/users/anna/hers.png");
  const auto hers = bench.schemas.info("anna"), local = bench.schemas.info("local");
  EXPECT_THAT(*hers.text, AllOf(HasSubstr("hers.png"), Not(HasSubstr("local.png"))));
  EXPECT_THAT(*local.text, AllOf(HasSubstr("local.png"), Not(HasSubstr("hers.png"))));
  const auto again = bench.schemas.info("anna");
  EXPECT_EQ(*again.text, *hers.text);
  EXPECT_EQ(bench.schemas.info("anna").text, again.text) << "made once";
  bench.scratch.write("input/users/anna/more.png");
  EXPECT_THAT(*bench.schemas.info("anna").text, HasSubstr("more.png"));
  EXPECT_TRUE(bench.schemas.lists_of("anna")->file_exists("hers.png"));
  for (const char* name : {"local.png", "../../local.png", "../bob/x.png"}) EXPECT_FALSE(bench.schemas.lists_of("anna")->file_exists(name)) << name;
}

TEST(SchemaStore, KeepsTheInfoOfALimitedNumberOfUsers) {
  RouteBench bench;
  bench.schemas.replace(two_classes());
  const auto first = bench.schemas.info("u0").text;
  for (int i = 1; i < 16; ++i) bench.schemas.info("u" + std::to_string(i));
  EXPECT_EQ(bench.schemas.info("u0").text, first);
  bench.schemas.info("u16");  // u1 makes place
  EXPECT_EQ(bench.schemas.info("u0").text, first);
  for (int i = 17; i < 33; ++i) bench.schemas.info("u" + std::to_string(i));
  EXPECT_NE(bench.schemas.info("u0").text, first);
}

TEST(ObjectInfo, is_served_whole_by_class_and_compressed) {
  RouteBench bench;
  add_object_info_routes(bench.router, bench.services);
  bench.schemas.replace(two_classes());
  const Response all = bench.get("/object_info");
  EXPECT_EQ(RouteBench::json_of(all).as_object().size(), 2u);
  const Response zipped = bench.ask("GET", "/object_info", "", {{"accept-encoding", "gzip, br"}});
  EXPECT_EQ(RouteBench::header_of(zipped, "Content-Encoding"), "gzip");
  EXPECT_EQ(RouteBench::text_of(zipped).substr(0, 2), "\x1f\x8b");
  const std::string etag = RouteBench::header_of(zipped, "ETag");
  EXPECT_NE(etag, RouteBench::header_of(all, "ETag"));
  EXPECT_EQ(bench.ask("GET", "/object_info", "", {{"accept-encoding", "gzip"}, {"if-none-match", etag}}).status, 304);
  EXPECT_EQ(RouteBench::json_of(bench.get("/object_info/Upscale%2FModel%20%C3%BC")).as_object().size(), 1u);
  EXPECT_EQ(RouteBench::text_of(bench.get("/object_info/None")), "{}");
  EXPECT_EQ(RouteBench::text_of(bench.get("/node_replacements")), "{}");
}

}  // namespace
}  // namespace darkroom
