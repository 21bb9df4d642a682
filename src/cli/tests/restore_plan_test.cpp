// Which photographs a run of `darkroom restore` takes, what their results are called, and which are left alone.

#include "cli/restore_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <map>

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// -- names -------------------------------------------------------------------------------------------------------------

TEST(ResultNames, LieBesideOrBelowAFolder) {
  const Photo photo{"scans/1/a.b.jpg", "1/a.b.jpg"};
  EXPECT_EQ(result_path(photo, {}, "png", false), "scans/1/a.b restored.png");
  EXPECT_EQ(result_path(photo, {.file = {}, .folder = "out"}, "jpeg", false), "out/1/a.b.jpg");
  EXPECT_EQ(result_path(photo, {.file = {}, .folder = "out"}, "webp", true), "out/1/a.b.jpg.webp");
  EXPECT_EQ(result_path(photo, {.file = "new.png", .folder = {}}, "png", true), "new.png");
  EXPECT_EQ(result_path({"noending", "noending"}, {}, "png", false), "noending restored.png");
}

TEST(ResultNames, FormatsByWordAndEnding) {
  EXPECT_EQ(result_format(".JPG"), "jpeg");
  EXPECT_EQ(result_format("webp"), "webp");
  EXPECT_EQ(result_format(".tif"), "");
  EXPECT_EQ(result_format(""), "");
}

TEST(ResultNames, AResultIsKnownByItsOriginal) {
  EXPECT_TRUE(is_result_of("s/a restored.jpg", "s/a.tif"));
  EXPECT_TRUE(is_result_of("s/a.tif restored.png", "s/a.tif"));
  EXPECT_FALSE(is_result_of("s/a restored.png", "t/a.tif"));
  EXPECT_FALSE(is_result_of("s/b restored.png", "s/a.tif"));
  EXPECT_FALSE(is_result_of("s/a restored.tif", "s/a.tif")) << "no result has this ending";
}

// -- selection ---------------------------------------------------------------------------------------------------------

class PhotoSelection : public testing::Test {
 protected:
  PhotoSelection() {
    std::string name = (fs::temp_directory_path() / "photos-XXXXXX").string();
    root = ::mkdtemp(name.data());
  }
  ~PhotoSelection() override {
    fs::permissions(root, fs::perms::owner_all);
    fs::remove_all(root);
  }
  void make(const fs::path& file) {
    fs::create_directories((root / file).parent_path());
    std::ofstream(root / file) << "x";
  }
  std::vector<std::string> taken(const std::vector<std::string>& arguments, bool recursive = false, const fs::path& leave_out = {}) {
    std::vector<std::string> all;
    for (const auto& argument : arguments) all.push_back((root / argument).string());
    const Selection selection = select_photos(all, recursive, leave_out.empty() ? fs::path() : root / leave_out);
    problems.clear();
    for (const auto& problem : selection.problems) problems.push_back(problem.path.lexically_relative(root).string() + ": " + problem.why);
    std::vector<std::string> files;
    for (const auto& photo : selection.photos) {
      EXPECT_TRUE(photo.file.string().ends_with(photo.relative.string()));
      files.push_back(photo.relative.string());
    }
    return files;
  }
  fs::path root;
  std::vector<std::string> problems;
};

TEST_F(PhotoSelection, AFoldersPicturesByName) {
  for (const char* file : {"s/b.JPG", "s/a.png", "s/note.txt", "s/.hidden.png", "s/c/d.tif", "s/.h/e.png"}) make(file);
  EXPECT_THAT(taken({"s"}), ElementsAre("a.png", "b.JPG"));
  EXPECT_THAT(taken({"s"}, true), ElementsAre("a.png", "b.JPG", "c/d.tif"));
  EXPECT_THAT(taken({"s"}, true, "s/c"), ElementsAre("a.png", "b.JPG")) << "results are no photos";
  EXPECT_THAT(taken({"s/note.txt"}), ElementsAre("note.txt")) << "a file that is named is meant";
}

TEST_F(PhotoSelection, PatternsAreUnderstood) {
  for (const char* file : {"s/a1.png", "s/a2.png", "s/b1.png", "s/[x].png"}) make(file);
  EXPECT_THAT(taken({"s/a*.png"}), ElementsAre("a1.png", "a2.png"));
  EXPECT_THAT(taken({"s/[ab]1.png"}), ElementsAre("a1.png", "b1.png"));
  EXPECT_THAT(taken({"s/[x].png"}), ElementsAre("[x].png")) << "a file of that name comes first";
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_THAT(taken({"s/z*.png", "none.png"}), IsEmpty());
  EXPECT_THAT(problems, ElementsAre("s/z*.png: nothing matches this pattern", "none.png: there is no such file or folder"));
}

TEST_F(PhotoSelection, EachOnce) {
  for (const char* file : {"s/a.png", "s/b.png"}) make(file);
  EXPECT_THAT(taken({"s/b.png", "s", "s/../s/a.png"}), ElementsAre("b.png", "a.png"));
}

TEST_F(PhotoSelection, LinksAreFollowedButNotInCircles) {
  make("s/a.png");
  make("other/b.png");
  fs::create_directory_symlink(root / "s", root / "s/loop");
  fs::create_directory_symlink(root / "other", root / "s/linked");
  fs::create_directory_symlink(root / "other", root / "s/linked2");
  fs::create_symlink(root / "nowhere.png", root / "s/broken.png");
  EXPECT_THAT(taken({"s"}, true), ElementsAre("a.png", "linked/b.png"));
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_THAT(taken({"s/broken.png"}), IsEmpty());
  EXPECT_THAT(problems, ElementsAre("s/broken.png: this link leads nowhere"));
}

TEST_F(PhotoSelection, AFolderThatCannotBeReadIsSaid) {
  for (const char* file : {"s/a.png", "s/locked/b.png"}) make(file);
  fs::permissions(root, fs::perms::all);
  fs::permissions(root / "s/locked", fs::perms::none);
  const bool is_root = ::geteuid() == 0;
  ASSERT_EQ(is_root ? ::seteuid(65534) : 0, 0) << "root reads everything";
  EXPECT_THAT(taken({"s"}, true), ElementsAre("a.png"));
  ASSERT_EQ(is_root ? ::seteuid(0) : 0, 0);
  EXPECT_THAT(problems, ElementsAre("s/locked: Permission denied"));
  fs::permissions(root / "s/locked", fs::perms::owner_all);
}

TEST_F(PhotoSelection, EarlierResultsAreLeftOut) {
  for (const char* file : {"s/a.jpg", "s/a restored.png", "s/b restored.png", "s/c.tif", "s/c.tif restored.webp"}) make(file);
  EXPECT_THAT(taken({"s"}), ElementsAre("a.jpg", "b restored.png", "c.tif"));
  EXPECT_THAT(taken({"s/a restored.png", "s/a.jpg"}), ElementsAre("a.jpg")) << "as a shell's pattern names them";
  EXPECT_THAT(taken({"s/a restored.png"}), ElementsAre("a restored.png"));
}

// -- plan --------------------------------------------------------------------------------------------------------------

class RestorePlan : public testing::Test {
 protected:
  /// `age`: seconds ago.
  void there(const std::string& file, int age, std::uintmax_t bytes = 1, const std::string& identity = "", bool is_file = true) {
    const auto now = fs::file_time_type::clock::now();
    files[file] = {
        .changed = now - std::chrono::seconds(age), .bytes = bytes, .is_file = is_file, .identity = identity.empty() ? file : identity};
  }
  RestoreTask plan(bool overwrite = false) { return plan_all({{"s/a.jpg", "a.jpg"}}, overwrite).front(); }
  std::vector<RestoreTask> plan_all(const std::vector<Photo>& photos, bool overwrite = false) {
    const auto look = [this](const fs::path& file) { return files.contains(file) ? std::optional(files.at(file)) : std::nullopt; };
    return plan_restorations(
        photos, {.place = place, .format = "png", .overwrite = overwrite, .shares_name = [](const Photo&) { return false; }}, look);
  }
  ResultPlace place{.file = {}, .folder = "out"};
  std::map<fs::path, FileFacts> files;
};

TEST_F(RestorePlan, WhatIsDoneIsNotDoneAgain) {
  there("s/a.jpg", 100);
  EXPECT_EQ(plan().fate, Fate::kRestore);
  there("out/a.png", 50);
  EXPECT_EQ(plan().fate, Fate::kDone);
  EXPECT_EQ(plan(true).fate, Fate::kRestore);
}

TEST_F(RestorePlan, AnOlderOrEmptyFileIsInTheWay) {
  there("s/a.jpg", 100);
  there("out/a.png", 101);
  EXPECT_EQ(plan().fate, Fate::kRefused);
  EXPECT_THAT(plan().why, HasSubstr("older than the photo: --overwrite"));
  there("out/a.png", 50, 0);
  EXPECT_THAT(plan().why, HasSubstr("empty"));
  EXPECT_EQ(plan(true).fate, Fate::kRestore);
}

TEST_F(RestorePlan, NoPhotoIsEverWrittenOver) {
  there("s/a.jpg", 100, 1, "7");
  there("out/a.png", 50, 1, "7");  // another name of the same file
  for (const bool overwrite : {false, true}) {
    EXPECT_EQ(plan(overwrite).fate, Fate::kRefused);
    EXPECT_THAT(plan(overwrite).why, HasSubstr("is a photo itself"));
  }
}

TEST_F(RestorePlan, AFolderInTheWay) {
  there("s/a.jpg", 100);
  there("out/a.png", 50, 1, "", false);
  for (const bool overwrite : {false, true}) EXPECT_THAT(plan(overwrite).why, HasSubstr("is no file"));
}

TEST_F(RestorePlan, TwoPhotosNeverShareAResult) {
  there("s/a.jpg", 100);
  there("t/a.jpg", 100);
  const auto tasks = plan_all({{"s/a.jpg", "a.jpg"}, {"t/a.jpg", "a.jpg"}}, true);
  EXPECT_EQ(tasks[0].fate, Fate::kRestore);
  EXPECT_EQ(tasks[1].fate, Fate::kRefused);
  EXPECT_THAT(tasks[1].why, HasSubstr("as that of s/a.jpg"));
}

TEST_F(PhotoSelection, SiblingsThatDifferInTheirEnding) {
  for (const char* file : {"s/a.jpg", "s/a.tif", "s/b.jpg", "s/b.txt", "s/c"}) make(file);
  const auto shares = siblings_on_disk();
  const auto of = [&](const char* name) { return shares({root / "s" / name, name}); };
  EXPECT_TRUE(of("a.jpg"));
  EXPECT_TRUE(of("a.tif"));
  EXPECT_FALSE(of("b.jpg"));
  EXPECT_TRUE(of("b.txt"));
  EXPECT_FALSE(of("c"));
}

}  // namespace
}  // namespace darkroom
