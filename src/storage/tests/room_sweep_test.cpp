#include "storage/room_sweep.hpp"

#include <gtest/gtest.h>

#include "storage/tests/scratch_folder.hpp"
#include "storage/user_room.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::milliseconds;

const fs::file_time_type kNow = fs::file_time_type::clock::now();

/// The base folder of a server; every time below it is as old as it is told.
struct Base : ScratchFolder {
  Folders folders = Folders::below(path());
  void age(const fs::path& room, std::chrono::nanoseconds how_old) {
    for (const auto& entry : fs::recursive_directory_iterator(room))
      if (!entry.is_symlink()) fs::last_write_time(entry, kNow - how_old);
    fs::last_write_time(room, kNow - how_old);
  }
  std::size_t sweep() { return remove_old_visitors(folders, kNow, hours(24)); }
};

TEST(RoomSweep, ARoomGoesTheMomentItIsTooOld) {
  Base base;
  base.write("output/visitors/old/a.png");
  base.write("output/visitors/young/sub/a.png");
  base.age(base / "output/visitors/old", hours(24));
  base.age(base / "output/visitors/young", hours(24) - milliseconds(1));
  EXPECT_EQ(base.sweep(), 1u);
  EXPECT_FALSE(fs::exists(base / "output/visitors/old"));
  EXPECT_TRUE(fs::exists(base / "output/visitors/young/sub/a.png"));
}

TEST(RoomSweep, WhatIsNewInOneFolderKeepsTheOthers) {
  Base base;
  for (const char* folder : {"input", "output", "temp", "user"}) {
    base.write(std::string(folder) + "/visitors/anna/a.png");
    base.age(base / (std::string(folder) + "/visitors/anna"), hours(100));
  }
  fs::last_write_time(base / "user/visitors/anna/a.png", kNow);
  EXPECT_EQ(base.sweep(), 0u);
  EXPECT_TRUE(fs::exists(base / "input/visitors/anna/a.png"));
  fs::last_write_time(base / "user/visitors/anna/a.png", kNow - hours(100));
  EXPECT_EQ(base.sweep(), 1u);
  for (const char* folder : {"input", "output", "temp", "user"}) EXPECT_TRUE(fs::is_empty(base / (std::string(folder) + "/visitors"))) << folder;
}

TEST(RoomSweep, OthersStayWhateverTheirAge) {
  Base base;
  base.write("output/users/anna/a.png");
  base.write("output/old.png");
  base.write("output/visitors/no-folder.png");
  base.age(base / "output", hours(1000));
  EXPECT_EQ(base.sweep(), 0u);
  for (const char* file : {"output/users/anna/a.png", "output/old.png", "output/visitors/no-folder.png"}) EXPECT_TRUE(fs::exists(base / file)) << file;
}

TEST(RoomSweep, ALinkIsRemovedAndNotFollowed) {
  Base base;
  ScratchFolder elsewhere;
  elsewhere.write("precious.png");
  base.write("output/visitors/old/a.png");
  fs::create_directory_symlink(elsewhere.path(), base / "output/visitors/old/link");
  base.age(base / "output/visitors/old", hours(48));
  fs::create_directory_symlink(elsewhere.path(), base / "output/visitors/other");
  EXPECT_EQ(base.sweep(), 1u);
  EXPECT_FALSE(fs::exists(base / "output/visitors/old"));
  EXPECT_TRUE(fs::exists(elsewhere / "precious.png"));
}

TEST(RoomSweep, VisitorsHaveRoomsOfTheirOwnKind) {
  EXPECT_EQ(room_folder("visitor:0a1b"), "visitors/0a1b");
  EXPECT_TRUE(room_folder("visitor:../x").starts_with("visitors/u-"));
  EXPECT_NE(room_folder("visitor:anna"), room_folder("anna"));
}

}  // namespace
}  // namespace darkroom
