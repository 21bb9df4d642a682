#include "storage/saving.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

#include "base/error.hpp"
#include "storage/part_file.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(SaveTarget, counts_on_from_the_largest_number) {
  ScratchFolder scratch;
  EXPECT_EQ(save_target(scratch.path(), "ComfyUI", 8, 4).counter, 1);
  for (const char* name : {"ComfyUI_00007_.png", "ComfyUI_00003_.webp", "comfyui_00099_.png", "ComfyUI_x_.png", "ComfyUI_00050.png", "ComfyUI2_00090_.png",
                           "ComfyUI_-5_.png", "ComfyUI_99999999999999999999_.png", "ComfyUI"})
    scratch.write(name);
  fs::create_directory(scratch / "ComfyUI_00011_");
  EXPECT_EQ(save_target(scratch.path(), "ComfyUI", 8, 4).counter, 12);
}

TEST(SaveTarget, fills_in_sizes_and_times) {
  ScratchFolder scratch;
  EXPECT_EQ(save_target(scratch.path(), "a_%width%x%height%", 8, 4).name, "a_8x4");
  EXPECT_EQ(save_target(scratch.path(), "%seed.x%_%batch_num%", 8, 4).name, "%seed.x%_%batch_num%");
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  EXPECT_THAT(save_target(scratch.path(), "%year%-%month%-%day%", 1, 1).name, testing::StartsWith(std::to_string(local.tm_year + 1900) + "-"));
  EXPECT_EQ(save_target(scratch.path(), "%hour%%minute%%second%", 1, 1).name.size(), 6u);
}

TEST(SaveTarget, makes_the_subfolder) {
  ScratchFolder scratch;
  const SaveTarget target = save_target(scratch.path(), "run//deep/./d", 1, 1);
  EXPECT_EQ(target.name, "d");
  EXPECT_EQ(target.subfolder, "run/deep");
  EXPECT_EQ(target.folder, scratch / "run/deep");
  EXPECT_TRUE(fs::is_directory(target.folder));
  EXPECT_EQ(save_target(scratch.path(), "run/", 1, 1).name, "run");
  const SaveTarget windows = save_target(scratch.path(), "run\\c", 1, 1);
  EXPECT_EQ(windows.name, "run\\c");
  EXPECT_EQ(windows.subfolder, "");
}

TEST(SaveTarget, stays_in_the_output_folder) {
  ScratchFolder scratch, elsewhere;
  fs::create_directory_symlink(elsewhere.path(), scratch / "out");
  for (const char* prefix : {"../x", "a/../../x", "/etc/x", "..", "out/x", "..\\x", "\\\\server\\x"}) try {
      save_target(scratch.path(), prefix, 1, 1);
      ADD_FAILURE() << prefix;
    } catch (const Forbidden& refused) {
      EXPECT_THAT(refused.what(), HasSubstr("**** ERROR: Saving image outside the output folder is not allowed.")) << prefix;
    }
  EXPECT_THROW(save_target(scratch.path(), std::string_view("a\0b", 3), 1, 1), InvalidInput);
  EXPECT_THROW(save_target(scratch.path(), std::string(300, 'x'), 1, 1), InvalidInput);
  EXPECT_THROW(save_target(scratch.path(), "C:x", 1, 1), InvalidInput);
  scratch.write("file");
  EXPECT_THROW(save_target(scratch.path(), "file/x", 1, 1), InvalidInput);
}

TEST(Numbered, has_five_digits_at_least) {
  EXPECT_EQ(numbered("a", 0, 1, "png"), "a_00001_.png");
  EXPECT_EQ(numbered("a", 0, 123456, ".png"), "a_123456_.png");
  EXPECT_EQ(numbered("b%batch_num%", 1, 2, "png"), "b1_00002_.png");
}

TEST(WriteFile, replaces_whole_files_and_leaves_nothing_behind) {
  ScratchFolder scratch, elsewhere;
  write_file(scratch / "a", "first");
  write_file(scratch / "a", std::string_view("se\0ond", 6), true);
  EXPECT_EQ(ScratchFolder::read(scratch / "a"), std::string("se\0ond", 6));
  const auto outside = elsewhere.write("target", "untouched");
  fs::create_symlink(outside, scratch / "link");
  write_file(scratch / "link", "new");
  EXPECT_EQ(ScratchFolder::read(outside), "untouched");
  EXPECT_FALSE(fs::is_symlink(scratch / "link"));
  EXPECT_THROW(write_file(scratch / "no/such/a", "x"), NotFound);
  EXPECT_THROW(write_file(scratch / std::string(300, 'a'), "x"), InvalidInput);
  fs::create_directory(scratch / "folder");
  EXPECT_THROW(write_file(scratch / "folder", "x"), InvalidInput);
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(scratch.path())) ++entries;
  EXPECT_EQ(entries, 3u);
}

TEST(PartFile, takes_only_a_free_name) {
  ScratchFolder scratch;
  PartFile first(scratch.path()), second(scratch.path());
  first.write("1");
  second.write("2");
  EXPECT_TRUE(first.place(scratch / "a"));
  EXPECT_FALSE(second.place(scratch / "a"));
  EXPECT_TRUE(second.place(scratch / "b"));
  EXPECT_EQ(ScratchFolder::read(scratch / "a"), "1");
  EXPECT_EQ(ScratchFolder::read(scratch / "b"), "2");
}

TEST(PartFile, of_a_killed_process_is_removed_and_a_live_one_is_not) {
  ScratchFolder scratch;
  const fs::path below = scratch / "sub";
  fs::create_directory(below);
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    PartFile part(below);
    part.write("half");
    if (::write(told[1], "x", 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char byte;
  ASSERT_EQ(::read(told[0], &byte, 1), 1);
  PartFile ours(scratch.path());
  ours.write("ours");
  scratch.write("kept.png");
  fs::create_symlink(scratch / "kept.png", scratch / (std::string(kPartPrefix) + "link"));
  EXPECT_EQ(remove_stale_parts(scratch.path()), 0u) << "both are being written";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(remove_stale_parts(scratch.path()), 1u);
  EXPECT_TRUE(fs::is_empty(below));
  EXPECT_TRUE(ours.place(scratch / "b"));
  EXPECT_EQ(ScratchFolder::read(scratch / "b"), "ours");
  EXPECT_TRUE(fs::exists(scratch / "kept.png"));
  EXPECT_EQ(remove_stale_parts(scratch / "none"), 0u);
  ::close(told[0]);
  ::close(told[1]);
}

TEST(SaveTarget, counters_have_a_limit) {
  ScratchFolder scratch;
  scratch.write("a_999999999_.png");
  scratch.write("b_1000000000_.png");
  EXPECT_EQ(save_target(scratch.path(), "a", 1, 1).counter, 1'000'000'000);
  EXPECT_EQ(save_target(scratch.path(), "b", 1, 1).counter, 1);
}

}  // namespace
}  // namespace darkroom
