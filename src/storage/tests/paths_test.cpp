#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "storage/folders.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

TEST(ResolveInside, keeps_plain_names) {
  ScratchFolder scratch;
  EXPECT_EQ(resolve_inside(scratch.path(), "a.png"), scratch / "a.png");
  EXPECT_EQ(resolve_inside(scratch.path(), "sub/é e.png"), scratch / "sub/é e.png");
  EXPECT_EQ(resolve_inside(scratch.path(), ""), scratch.path());
  EXPECT_EQ(resolve_inside(scratch.path(), "./x//y/../z"), scratch / "x/z");
  EXPECT_EQ(resolve_inside(scratch.path(), "a..b"), scratch / "a..b");
  EXPECT_EQ(resolve_inside(scratch.path(), "run\\c_00001_.png"), scratch / "run\\c_00001_.png");
}

TEST(ResolveInside, refuses_every_way_out) {
  ScratchFolder scratch;
  for (const auto& name : {".."s, "../x"s, "a/../../x"s, "a/b/../../.."s, "./../x"s, "..\\x"s, "a\\..\\..\\x"s, "a/..\\x"s})
    EXPECT_THROW(resolve_inside(scratch.path(), name), Forbidden) << name;
  for (const auto& name : {"/etc/passwd"s, "//server/share"s, "\\\\server\\share\\x"s, "\\x"s, "C:\\x"s, "c:/x"s, "C:x"s, "a\0b"s, "\0"s,
                           std::string(256, 'a'), "a/" + std::string(300, 'b') + "/c", std::string(5000, 'x'), "\xff\xfe.png"s, "a\xc0\xaf"s})
    EXPECT_THROW(resolve_inside(scratch.path(), name), InvalidInput) << name;
  EXPECT_NO_THROW(resolve_inside(scratch.path(), std::string(255, 'a')));
}

TEST(ResolveInside, lengths_at_the_edge) {
  ScratchFolder scratch;
  EXPECT_NO_THROW(resolve_inside(scratch.path(), std::string(255, 'a')));
  EXPECT_THROW(resolve_inside(scratch.path(), std::string(256, 'a')), InvalidInput);
  std::string name;
  while (name.size() < 4000) name += name.size() % 200 == 199 ? '/' : 'a';
  EXPECT_NO_THROW(resolve_inside(scratch.path(), name));
  EXPECT_THROW(resolve_inside(scratch.path(), name + "b"), InvalidInput);
}

TEST(ResolveInside, follows_links_only_as_far_as_the_folder) {
  ScratchFolder scratch, elsewhere;
  elsewhere.write("secret.txt");
  scratch.write("real/a.txt");
  fs::create_directory_symlink(elsewhere.path(), scratch / "out");
  fs::create_symlink(elsewhere / "secret.txt", scratch / "file_out");
  fs::create_directory_symlink(scratch / "real", scratch / "alias");
  fs::create_symlink(elsewhere / "not made yet", scratch / "dangling");
  fs::create_symlink("loop", scratch / "loop");
  EXPECT_EQ(resolve_inside(scratch.path(), "alias/a.txt"), scratch / "real/a.txt");
  for (const char* name : {"out", "out/secret.txt", "out/new.txt", "out/../x", "file_out", "dangling", "dangling/x", "loop"})
    EXPECT_THROW(resolve_inside(scratch.path(), name), Forbidden) << name;
}

TEST(ResolveInside, accepts_a_folder_that_is_a_link_or_not_made) {
  ScratchFolder scratch;
  fs::create_directory(scratch / "real");
  fs::create_directory_symlink(scratch / "real", scratch / "input");
  EXPECT_EQ(resolve_inside(scratch / "input", "a.png"), scratch / "real/a.png");
  EXPECT_EQ(resolve_inside(scratch / "later", "a.png"), scratch / "later/a.png");
  EXPECT_THROW(resolve_inside(scratch / "later", "../a.png"), Forbidden);
  // A neighbour whose name only begins alike is outside.
  fs::create_directory(scratch / "real2");
  fs::create_directory_symlink(scratch / "real2", scratch / "real/out");
  EXPECT_THROW(resolve_inside(scratch / "real", "out"), Forbidden);
}

TEST(SplitAnnotation, takes_the_mark_off) {
  using Pair = std::pair<std::string, std::string>;
  EXPECT_EQ(split_annotation("a.png [output]"), Pair("a.png", "output"));
  EXPECT_EQ(split_annotation("sub/a.png [temp]"), Pair("sub/a.png", "temp"));
  EXPECT_EQ(split_annotation("a.png [input]"), Pair("a.png", "input"));
  EXPECT_EQ(split_annotation("a.png[input]"), Pair("a.png", "input"));
  EXPECT_EQ(split_annotation("a.png"), Pair("a.png", ""));
  EXPECT_EQ(split_annotation("a.png [models]"), Pair("a.png [models]", ""));
  EXPECT_EQ(split_annotation("a.png [output] "), Pair("a.png [output] ", ""));
  EXPECT_EQ(split_annotation(" [output]"), Pair("", "output"));
  EXPECT_EQ(split_annotation("[output]"), Pair("", "output"));
}

TEST(ContentType, goes_by_the_ending) {
  EXPECT_EQ(content_type_of("a.png"), "image/png");
  EXPECT_EQ(content_type_of("a.b.JPG"), "image/jpeg");
  EXPECT_EQ(content_type_of("a.wav"), "audio/x-wav");
  EXPECT_EQ(content_type_of("x.js"), "application/javascript");
  EXPECT_EQ(content_type_of("a.glb"), "model/gltf-binary");
  EXPECT_EQ(content_type_of("a.safetensors"), "application/octet-stream");
  EXPECT_EQ(content_type_of(".png"), "application/octet-stream");
  EXPECT_EQ(content_type_of("a.png/b"), "application/octet-stream");
  EXPECT_EQ(content_type_of(""), "application/octet-stream");
}

}  // namespace
}  // namespace darkroom
