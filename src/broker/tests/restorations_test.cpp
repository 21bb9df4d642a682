#include "broker/tests/store_fixture.hpp"

namespace darkroom {
namespace {

class Restorations : public StoreTest {
 protected:
  RestorationStore& store() { return broker_->restorations(); }
  static std::vector<RestorationMessage> numbered(std::int64_t first, std::int64_t last) {
    std::vector<RestorationMessage> list;
    for (std::int64_t seq = first; seq <= last; ++seq) list.push_back({seq, "m" + std::to_string(seq)});
    return list;
  }
};

TEST_F(Restorations, RecordsAndMessagesSurviveARestart) {
  run(store().save({"local", "a", 0, "one"}, numbered(1, 3), true));
  run(store().save({"local", "a", 0, "two"}, numbered(4, 5), false));
  reopen();
  const auto found = run(store().find("local", "a"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->record, "two");
  const auto messages = run(store().messages("local", "a", 2));
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages.front().body, "m3");
  EXPECT_EQ(messages.back().seq, 5);
}

TEST_F(Restorations, OwnersAreApart) {
  run(store().save({"anna", "a", 0, "of anna"}, numbered(1, 1), false));
  run(store().save({"ben", "a", 0, "of ben"}, numbered(1, 2), false));
  EXPECT_EQ(run(store().find("anna", "a"))->record, "of anna");
  EXPECT_EQ(run(store().messages("ben", "a", 0)).size(), 2u);
  EXPECT_FALSE(run(store().find("carl", "a")));
  run(store().forget("ben", "a"));
  EXPECT_EQ(run(store().messages("anna", "a", 0)).size(), 1u);
  EXPECT_TRUE(run(store().list("ben", 10)).empty());
}

TEST_F(Restorations, ListsAreInOrder) {
  for (const char* id : {"a", "b", "c"}) run(store().save({"local", id, 0, id}, {}, false));
  run(store().save({"local", "b", 500, "b"}, {}, false));
  const auto newest = run(store().list("local", 2));
  ASSERT_EQ(newest.size(), 2u);
  EXPECT_EQ(newest[0].id + newest[1].id, "cb");
  const auto live = run(store().unended());
  ASSERT_EQ(live.size(), 2u);
  EXPECT_EQ(live[0].id + live[1].id, "ac");
  EXPECT_TRUE(run(store().ended_before(500)).empty());
  EXPECT_EQ(run(store().ended_before(501)).size(), 1u);
}

TEST_F(Restorations, ForgettingTakesTheMessagesAlong) {
  run(store().save({"local", "a", 1, "r"}, numbered(1, 9), false));
  run(store().forget("local", "a"));
  EXPECT_FALSE(run(store().find("local", "a")));
  run(store().save({"local", "a", 0, "new"}, {}, false));
  EXPECT_TRUE(run(store().messages("local", "a", 0)).empty()) << "an id that comes again has no old messages";
}

}  // namespace
}  // namespace darkroom
