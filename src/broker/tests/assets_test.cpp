#include "base/text.hpp"
#include "broker/tests/store_fixture.hpp"

namespace darkroom {
namespace {

class Assets : public StoreTest {
 protected:
  AssetStore& store() { return broker_->assets(); }
  static AssetRow asset(const std::string& id, const std::string& owner = "local") {
    return {.id = id,
            .owner = owner,
            .hash = "blake3:00",
            .size = 3,
            .content_type = "image/png",
            .file_path = id + ".png",
            .file = "assets/00.png",
            .created = now_ms()};
  }
};

TEST_F(Assets, AreFoundByIdHashAndNameByTheirOwnerAlone) {
  run(store().add(asset("a")));
  AssetRow newer = asset("b");
  newer.created += 5;
  run(store().add(newer));
  EXPECT_EQ(run(store().find("local", "a"))->file_path, "a.png");
  EXPECT_EQ(run(store().find_by_hash("local", "blake3:00"))->id, "b");
  EXPECT_EQ(run(store().find_reference("local", "blake3:00", "a.png"))->id, "a");
  EXPECT_FALSE(run(store().find_reference("local", "blake3:00", "c.png")));
  EXPECT_FALSE(run(store().find("ann", "a")));
  EXPECT_FALSE(run(store().find_by_hash("ann", "blake3:00")));
  EXPECT_FALSE(run(store().remove("ann", "a")).there);
}

TEST_F(Assets, TheFileIsFreeWithTheLastThatNamesIt) {
  run(store().add(asset("a")));
  run(store().add(asset("b")));
  const auto first = run(store().remove("local", "a"));
  EXPECT_TRUE(first.there);
  EXPECT_FALSE(first.file_is_free);
  EXPECT_TRUE(run(store().remove("local", "b")).file_is_free);
  EXPECT_FALSE(run(store().remove("local", "b")).there);
}

TEST_F(Assets, ASubmissionKeyLastsADayOrAsLongAsItsAsset) {
  AssetRow keyed = asset("a");
  keyed.submission_key = "k";
  run(store().add(keyed));
  AssetRow again = asset("b");
  again.submission_key = "k";
  EXPECT_THROW(run(store().add(again)), Conflict);
  EXPECT_TRUE(run(store().has_key("local", "k")));
  EXPECT_FALSE(run(store().has_key("ann", "k")));
  run(store().remove("local", "a"));
  EXPECT_FALSE(run(store().has_key("local", "k")));
  again.created -= kKeyLifeMs + 1000;
  run(store().add(again));
  EXPECT_FALSE(run(store().has_key("local", "k"))) << "a day is over";
  keyed.id = "c";
  run(store().add(keyed));
  EXPECT_TRUE(run(store().has_key("local", "k")));
  EXPECT_EQ(run(store().find("local", "b"))->submission_key, "");
}

}  // namespace
}  // namespace darkroom
