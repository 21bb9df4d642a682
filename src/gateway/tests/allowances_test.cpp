#include "gateway/allowances.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute;

Identity user(const std::string& name) { return {.user = name, .by = Identity::By::kToken, .admin = false}; }

/// Seconds until it is worth a try; 0: it was not refused.
template <class Work>
std::int64_t wait_of(Work work) {
  try {
    work();
  } catch (const Exhausted& why) {
    return why.retry_after_s;
  }
  return 0;
}

/// Of something that is refused: may it pass later?
template <class Work>
bool worth_waiting(Work work) {
  try {
    work();
  } catch (const Exhausted&) {
    return true;
  } catch (const TooLarge&) {
    return false;
  }
  ADD_FAILURE() << "it was not refused";
  return true;
}

TEST(SlidingSum, ForgetsWhatIsOlderThanItsSpan) {
  SlidingSum sum(kMinute);
  sum.add(3, 500);
  sum.add(4, 1500);
  EXPECT_EQ(sum.sum(59'999), 7);
  EXPECT_EQ(sum.sum(60'000), 4);
  EXPECT_EQ(sum.sum(61'000), 0);
}

TEST(Allowances, UploadsInAMinute) {
  const UserLimits limits{.uploads_a_minute = 3};
  Allowances allowances(limits);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wait_of([&] { allowances.begin_upload(user("anna"), 10, 1000 * i); }), 0);
  EXPECT_EQ(wait_of([&] { allowances.begin_upload(user("anna"), 10, 3000); }), 57);
  EXPECT_EQ(wait_of([&] { allowances.begin_upload(user("bob"), 10, 3000); }), 0) << "each has its own";
  EXPECT_EQ(wait_of([&] { allowances.begin_upload(user("anna"), 10, 59'999); }), 1);
  EXPECT_EQ(wait_of([&] { allowances.begin_upload(user("anna"), 10, 60'000); }), 0) << "what was refused has not been counted";
  EXPECT_GT(wait_of([&] { allowances.begin_upload(user("anna"), 10, 60'000); }), 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(wait_of([&] { allowances.begin_upload({}, 10, 3000); }), 0) << "whoever runs the server has none";
}

TEST(Allowances, BytesInAnHour) {
  const UserLimits limits{.uploads_a_minute = 0, .bytes_an_hour = 1000};
  Allowances allowances(limits);
  allowances.begin_upload(user("anna"), 600, 0);
  allowances.received(user("anna"), 600, 0);
  EXPECT_EQ(wait_of([&] { allowances.begin_upload(user("anna"), 400, 0); }), 0) << "at the edge";
  EXPECT_EQ(wait_of([&] { allowances.begin_upload(user("anna"), 401, 0); }), 3600);
  allowances.received(user("anna"), 400, 10 * kMinute);
  EXPECT_EQ(wait_of([&] { allowances.begin_upload(user("anna"), 0, 10 * kMinute); }), 3000) << "it does not say how much comes";
  EXPECT_EQ(wait_of([&] { allowances.begin_upload(user("anna"), 600, kHour); }), 0);
  allowances.begin_upload(user("bob"), 1000, 0);
  EXPECT_FALSE(worth_waiting([&] { allowances.begin_upload(user("bob"), 1001, 0); })) << "it would never fit";
}

TEST(Allowances, PixelsInAnHour) {
  const UserLimits limits{.megapixels_an_hour = 2};
  Allowances allowances(limits);
  allowances.restore(user("anna"), 1000, 1000, 0);
  EXPECT_EQ(wait_of([&] { allowances.restore(user("anna"), 1001, 1000, 0); }), 3600);
  EXPECT_EQ(wait_of([&] { allowances.restore(user("anna"), 1000, 1000, 0); }), 0);
  EXPECT_EQ(wait_of([&] { allowances.restore(user("anna"), 1, 1, kHour - 1); }), 1);
  EXPECT_EQ(wait_of([&] { allowances.restore(user("anna"), 1000, 1000, kHour); }), 0);
  EXPECT_FALSE(worth_waiting([&] { allowances.restore(user("bob"), 2001, 1000, 0); })) << "it would never fit";
  allowances.restore(user("bob"), 2000, 1000, 0);
}

TEST(Allowances, JobsInAnHour) {
  const UserLimits limits{.jobs_an_hour = 2};
  Allowances allowances(limits);
  const auto send = [&](const Identity& who, std::int64_t now) {
    return wait_of([&] {
      allowances.check_job(who, now);
      allowances.submitted(who, 1, now);
    });
  };
  EXPECT_EQ(send(user("anna"), 0), 0);
  EXPECT_EQ(send(user("anna"), 1000), 0) << "at the edge";
  EXPECT_EQ(send(user("anna"), 60'000), 3540);
  EXPECT_EQ(send(user("bob"), 60'000), 0) << "each has its own";
  allowances.submitted(user("anna"), -1, 60'000);
  EXPECT_EQ(send(user("anna"), 60'000), 0) << "one was given back";
  EXPECT_EQ(send(user("anna"), kHour), 0);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(send({}, 0), 0) << "whoever runs the server has none";
}

TEST(Allowances, SecondsInAnHour) {
  const UserLimits limits{.seconds_an_hour = 100};
  Allowances allowances(limits);
  allowances.ran("anna", 99.5, 0);
  EXPECT_EQ(wait_of([&] { allowances.check_job(user("anna"), 0); }), 0) << "the last one may go over it";
  allowances.ran("anna", 50, kMinute);
  EXPECT_EQ(wait_of([&] { allowances.check_job(user("anna"), kMinute); }), 3540);
  EXPECT_EQ(wait_of([&] { allowances.check_job(user("bob"), kMinute); }), 0);
  EXPECT_EQ(wait_of([&] { allowances.check_job(user("anna"), kHour); }), 0);
}

TEST(Allowances, ZeroIsNoLimit) {
  const UserLimits limits{.uploads_a_minute = 0, .bytes_an_hour = 0, .megapixels_an_hour = 0};
  Allowances allowances(limits);
  for (int i = 0; i < 100; ++i) {
    allowances.begin_upload(user("anna"), 1ull << 40, 0);
    allowances.received(user("anna"), 1ull << 40, 0);
    allowances.restore(user("anna"), 100'000, 100'000, 0);
    allowances.check_job(user("anna"), 0);
    allowances.submitted(user("anna"), 1, 0);
    allowances.ran("anna", 1e9, 0);
  }
}

TEST(Allowances, IdleUsersAreForgotten) {
  const UserLimits limits{.uploads_a_minute = 1};
  Allowances allowances(limits);
  for (int i = 0; i < 10'000; ++i) allowances.begin_upload(user("u" + std::to_string(i)), 1, 0);
  EXPECT_EQ(allowances.remembered(), 10'000U);
  allowances.begin_upload(user("one more"), 1, 30'000);
  EXPECT_EQ(allowances.remembered(), 10'000U) << "nobody is idle yet: one goes";
  allowances.begin_upload(user("and one"), 1, 60'000);
  EXPECT_EQ(allowances.remembered(), 2U);
}

TEST(Allowances, VisitorsWithoutACookieShareTheirAddress) {
  const UserLimits limits{.uploads_a_minute = 2};
  Allowances allowances(limits);
  const auto visitor = [](const std::string& id) { return Identity{.user = "visitor:" + id, .by = Identity::By::kVisitor, .admin = false, .share = "address:1.2.3.4"}; };
  for (const char* id : {"a", "b"}) EXPECT_EQ(wait_of([&] { allowances.begin_upload(visitor(id), 1, 0); }), 0);
  EXPECT_GT(wait_of([&] { allowances.begin_upload(visitor("c"), 1, 0); }), 0);
}

}  // namespace
}  // namespace darkroom
