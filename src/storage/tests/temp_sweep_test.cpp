#include "storage/temp_sweep.hpp"

#include <gtest/gtest.h>

#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

const fs::file_time_type kNow = fs::file_time_type::clock::now();

void age(const fs::path& file, std::chrono::nanoseconds how_old) { fs::last_write_time(file, kNow - how_old); }

TEST(TempSweep, a_file_goes_the_moment_it_is_too_old) {
  ScratchFolder scratch;
  scratch.write("young.png");
  scratch.write("old.png");
  age(scratch / "young.png", kTempAge - std::chrono::milliseconds(1));
  age(scratch / "old.png", kTempAge);
  EXPECT_EQ(remove_old_files(scratch.path(), kNow, {}), 1u);
  EXPECT_TRUE(fs::exists(scratch / "young.png"));
  EXPECT_FALSE(fs::exists(scratch / "old.png"));
}

TEST(TempSweep, what_the_history_names_stays_and_folders_stay) {
  ScratchFolder scratch;
  fs::create_directories(scratch / "sub/deep");
  for (const char* name : {"named.png", "sub/named.png", "sub/deep/other.png"}) {
    scratch.write(name);
    age(scratch / name, 2 * kTempAge);
  }
  EXPECT_EQ(remove_old_files(scratch.path(), kNow, {"named.png", "sub/named.png"}), 1u);
  EXPECT_TRUE(fs::exists(scratch / "named.png"));
  EXPECT_TRUE(fs::exists(scratch / "sub/named.png"));
  EXPECT_TRUE(fs::is_directory(scratch / "sub/deep"));
  EXPECT_FALSE(fs::exists(scratch / "sub/deep/other.png"));
}

TEST(TempSweep, a_link_is_removed_and_not_followed) {
  ScratchFolder scratch, elsewhere;
  elsewhere.write("precious.png");
  age(elsewhere / "precious.png", 2 * kTempAge);
  fs::create_symlink(elsewhere.path(), scratch / "folder");
  fs::create_symlink(elsewhere / "precious.png", scratch / "file.png");
  fs::create_symlink("nowhere", scratch / "dangling.png");
  age(elsewhere.path(), 2 * kTempAge);
  EXPECT_EQ(remove_old_files(scratch.path(), kNow, {}), 3u);
  EXPECT_TRUE(fs::exists(elsewhere / "precious.png"));
  EXPECT_TRUE(fs::is_empty(scratch.path()));
}

TEST(TempSweep, a_folder_that_is_not_there_has_nothing_to_remove) { EXPECT_EQ(remove_old_files("/nonexistent/temp", kNow, {}), 0u); }

}  // namespace
}  // namespace darkroom
