#include "gateway/queue_status.hpp"

#include <thread>

#include "gateway/tests/job_desk_fixture.hpp"

namespace darkroom {
namespace {

class QueueStatusTest : public JobDeskTest {
 protected:
  QueueStatusTest() : status_(std::make_shared<QueueStatus>(io_.get_executor(), broker_, hub_)) {}

  /// Changes until one is held back; how many were told at once.
  std::size_t use_up_the_burst() {
    std::size_t told = 0;
    for (; told == a_.words.size(); ++told) status_->changed();
    a_.words.clear();
    b_.words.clear();
    return told - 1;
  }
  void put(const std::string& id) { run(broker_.submit(job(id))); }

  FakeSession a_{hub_, "a"}, b_{hub_, "b"};
  std::shared_ptr<QueueStatus> status_;
};

TEST_F(QueueStatusTest, ABurstIsToldOneByOneAndMoreIsJoined) {
  const auto began = std::chrono::steady_clock::now();
  const std::size_t told = use_up_the_burst();
  const auto seldom = static_cast<std::size_t>((std::chrono::steady_clock::now() - began) / QueueStatus::kInterval);
  EXPECT_GE(told, static_cast<std::size_t>(QueueStatus::kBurst));
  EXPECT_LE(told, QueueStatus::kBurst + seldom);
  for (int i = 0; i < 5; ++i) status_->changed();
  EXPECT_TRUE(a_.words.empty());
  ASSERT_TRUE(until([&] { return !a_.words.empty(); }));
  pump(3 * QueueStatus::kInterval);
  EXPECT_EQ(a_.words, Words{"status 0"});
  EXPECT_EQ(b_.words, Words{"status 0"});
}

TEST_F(QueueStatusTest, WhatIsHeldBackIsToldInTime) {
  const auto began = std::chrono::steady_clock::now();
  use_up_the_burst();
  while (a_.words.empty() && std::chrono::steady_clock::now() < began + 5s) pump(1ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, QueueStatus::kInterval + 500ms)
      << "a busy machine may be late, a lost one never comes";
}

TEST_F(QueueStatusTest, ACountIsThatOfTheMomentAtWhichItIsSent) {
  a_.on_word = [&](const std::string& word) { EXPECT_EQ(word, "status " + std::to_string(broker_.counts().total())); };
  use_up_the_burst();
  for (const char* id : {"j", "k", "l"}) {
    put(id);
    status_->changed();
  }
  EXPECT_TRUE(until([&] { return !a_.words.empty() && a_.words.back() == "status 3"; }));
}

TEST_F(QueueStatusTest, TheClientOfAJobHearsOfItsEndAtOnce) {
  use_up_the_burst();
  status_->ended("local", "a");
  EXPECT_EQ(a_.words, Words{"status 0"});
  EXPECT_TRUE(b_.words.empty());
  ASSERT_TRUE(until([&] { return !b_.words.empty(); }));
  EXPECT_EQ(b_.words, Words{"status 0"});
}

TEST_F(QueueStatusTest, AfterARestBurstsAreToldOneByOneAgain) {
  use_up_the_burst();
  ASSERT_TRUE(until([&] { return !a_.words.empty(); }));
  a_.words.clear();
  std::this_thread::sleep_for(QueueStatus::kBurst * QueueStatus::kInterval);
  for (int i = 0; i < QueueStatus::kBurst; ++i) status_->changed();
  EXPECT_EQ(a_.words.size(), static_cast<std::size_t>(QueueStatus::kBurst));
}

TEST_F(QueueStatusTest, ManySocketsAreToldInPiecesAndNobodyIsLeftOut) {
  std::deque<std::unique_ptr<FakeSession>> many;
  for (int i = 0; i < 500; ++i) many.push_back(std::make_unique<FakeSession>(hub_, "m" + std::to_string(i)));
  status_->changed();
  const auto told = [&] { return std::ranges::count_if(many, [](const auto& one) { return !one->words.empty(); }); };
  EXPECT_GT(told(), 0);
  EXPECT_LT(told(), 500);
  for (int i = 0; i < 50; ++i) {  // who has been told and who has not
    many.pop_front();
    many.pop_back();
  }
  status_->ended("local", "m50");
  EXPECT_EQ(many.front()->words, Words{"status 0"}) << "its turn would come late";
  ASSERT_TRUE(until([&] { return told() == 400; }));
  ASSERT_TRUE(until([&] { return std::ranges::all_of(many, [](const auto& one) { return one->words.size() >= 2; }); }))
      << "the change during the round";
}

TEST_F(QueueStatusTest, ManyJobsKeepTheirOrderWhileStatusIsJoined) {
  FakeWorker worker(1);
  listener_.ready(worker);
  constexpr int kJobs = 60;
  for (int i = 0; i < kJobs; ++i) {
    const std::string id = "j" + std::to_string(i);
    run(desk_->submit(job(id)));
    desk_->when_replied(id)(true);
    ASSERT_TRUE(until([&] { return worker.count("run") == static_cast<std::size_t>(i) + 1; }));
    a_.words.clear();
    event(worker, JobStarted{1, ""}, id);
    event(worker, JobSucceeded{1}, id);
    ASSERT_TRUE(until([&] { return a_.count("executing null") == 1; }));
    EXPECT_EQ(*(std::ranges::find(a_.words, "executing null") - 1), "status 0") << id;
    EXPECT_EQ(a_.count("execution_success"), 1u);
  }
  EXPECT_LT(b_.words.size(), 3u * kJobs);
  ASSERT_TRUE(until([&] { return b_.words.back() == "status 0"; }));
}

}  // namespace
}  // namespace darkroom
