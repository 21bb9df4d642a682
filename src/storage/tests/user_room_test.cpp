#include "storage/user_room.hpp"

#include <gtest/gtest.h>

#include <set>

#include "storage/folders.hpp"

namespace darkroom {
namespace {

TEST(UserRoom, LocalAndNamedUsersShareOne) {
  EXPECT_EQ(room_of("local"), "local");
  EXPECT_EQ(room_of("comfy-user:anna"), "local");
  EXPECT_EQ(room_of("anna"), "anna");
  EXPECT_EQ(room_of("visitor:1"), "visitor:1");
  EXPECT_EQ(room_folder("local"), "");
  EXPECT_EQ(room_folder("comfy-user:../x"), "");
  EXPECT_EQ(room_folder("anna-2_B"), "users/anna-2_B");
}

TEST(UserRoom, EveryNameHasAFolderOfItsOwnAndNoneIsAWayOut) {
  std::set<std::string> folders;
  const std::vector<std::string> names{"a", "A", "..", ".", "a/b", "a\\b", "/etc", "", "1", "visitor:1", "visitor:", "visitor:..", "auth0|5", "anna@example.org", std::string(64, 'a'),
                                       std::string(65, 'a'), "u-" + std::string(32, 'a'), "\xe4\xb8\xad", "a b", "con "};
  for (const auto& name : names) {
    const std::string folder = room_folder(name);
    EXPECT_TRUE(folders.insert(folder).second) << name;
    const std::string parent = name.starts_with("visitor:") ? "visitors/" : "users/";
    const std::string word = folder.substr(parent.size());
    EXPECT_EQ(folder.substr(0, parent.size()), parent) << name;
    EXPECT_EQ(word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"), std::string::npos) << name;
    EXPECT_FALSE(word.empty());
  }
}

TEST(UserRoom, FoldersOfAUserLieBelowTheOthers) {
  const Folders all = Folders::below("/base");
  const Folders hers = all.of_user("anna");
  EXPECT_EQ(hers.input, "/base/input/users/anna");
  EXPECT_EQ(hers.output, "/base/output/users/anna");
  EXPECT_EQ(hers.temp, all.temp / "users/anna");
  EXPECT_EQ(hers.user, all.user);
  EXPECT_EQ(all.of_user("local").input, all.input);
}

}  // namespace
}  // namespace darkroom
