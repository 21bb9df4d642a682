#include "broker/recent_history.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

HistoryEntry entry(const std::string& id, const std::string& outputs = "{}") {
  HistoryEntry made;
  made.id = id;
  made.outputs = outputs;
  return made;
}

TEST(RecentHistory, FindsWhatWasAddedOfThatOwner) {
  RecentHistory recent;
  recent.add("a", entry("j"));
  ASSERT_TRUE(recent.find("a", "j"));
  EXPECT_EQ(recent.find("a", "j")->id, "j");
  EXPECT_FALSE(recent.find("b", "j"));
  EXPECT_FALSE(recent.find("a", "k"));
}

TEST(RecentHistory, ANewerOneOfAnIdReplacesTheOlder) {
  RecentHistory recent;
  recent.add("a", entry("j", "1"));
  recent.add("a", entry("j", "2"));
  EXPECT_EQ(recent.find("a", "j")->outputs, "2");
  recent.forget("a", "j");
  EXPECT_FALSE(recent.find("a", "j"));
}

TEST(RecentHistory, ForgetsOneOrAllOfAnOwner) {
  RecentHistory recent;
  for (const char* id : {"j", "k", "l"}) {
    recent.add("a", entry(id));
    recent.add("b", entry(id));
  }
  recent.forget("a", "k");
  recent.forget("a", "nobody's");
  EXPECT_TRUE(recent.find("a", "j") && !recent.find("a", "k") && recent.find("b", "k"));
  recent.forget("a");
  EXPECT_FALSE(recent.find("a", "j") || recent.find("a", "l"));
  EXPECT_TRUE(recent.find("b", "j") && recent.find("b", "l"));
}

TEST(RecentHistory, KeepsTheNewestOfAnOwner) {
  RecentHistory recent;
  for (const char* id : {"j", "k", "l"}) {
    recent.add("a", entry(id));
    recent.add("b", entry(id));
  }
  recent.keep_newest("a", 3);
  EXPECT_TRUE(recent.find("a", "j"));
  recent.keep_newest("a", 1);
  EXPECT_FALSE(recent.find("a", "j") || recent.find("a", "k"));
  EXPECT_TRUE(recent.find("a", "l") && recent.find("b", "j"));
}

TEST(RecentHistory, HasALimitOfEntries) {
  RecentHistory recent;
  for (std::size_t i = 0; i < RecentHistory::kMaxEntries; ++i) recent.add("a", entry(std::to_string(i)));
  EXPECT_TRUE(recent.find("a", "0"));
  recent.add("b", entry("one more"));
  EXPECT_FALSE(recent.find("a", "0"));
  EXPECT_TRUE(recent.find("a", "1") && recent.find("b", "one more"));
}

TEST(RecentHistory, HasALimitOfBytes) {
  RecentHistory recent;
  const std::string half(RecentHistory::kMaxBytes / 2 - 1000, ' ');
  recent.add("a", entry("j", half));
  recent.add("a", entry("k", half));
  EXPECT_TRUE(recent.find("a", "j") && recent.find("a", "k"));
  recent.add("a", entry("l", half));
  EXPECT_FALSE(recent.find("a", "j"));
  EXPECT_TRUE(recent.find("a", "k") && recent.find("a", "l"));
  recent.add("a", entry("larger than all", std::string(RecentHistory::kMaxBytes + 1, ' ')));
  EXPECT_FALSE(recent.find("a", "larger than all"));
}

}  // namespace
}  // namespace darkroom
