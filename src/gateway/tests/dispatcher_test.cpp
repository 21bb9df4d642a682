// What becomes of jobs: workers that are lost, cancels, hand-backs, the shutdown.

#include <algorithm>

#include "broker/sqlite.hpp"
#include "gateway/dispatcher.hpp"
#include "gateway/tests/job_desk_fixture.hpp"

namespace darkroom {
namespace {

TEST_F(JobDeskTest, ALostWorkerCostsOneRetryThenAnError) {
  FakeSession a(hub_, "a");
  FakeWorker first(1), second(2);
  listener_.ready(first);
  submit("j");
  event(first, JobStarted{1});
  event(first, NodeStarted{NodeIds::plain("2")});
  lose(first, LostReason::kCrashed);
  EXPECT_EQ(broker_.counts().pending, 1u);
  listener_.ready(second);
  ASSERT_TRUE(until([&] { return second.jobs().size() == 1; }));
  EXPECT_EQ(second.jobs()[0].attempt, 2);
  event(first, JobSucceeded{2});  // too late
  pump();
  EXPECT_EQ(broker_.counts().running, 1u);
  event(second, JobStarted{3}, "j", 2);
  EXPECT_EQ(a.count("execution_start"), 2u);
  event(second, NodeStarted{NodeIds::plain("1")}, "j", 2);
  event(second, NodeFinished{NodeIds::plain("1")}, "j", 2);
  event(second, NodeStarted{NodeIds::plain("2")}, "j", 2);
  lose(second, LostReason::kSilent);
  ASSERT_TRUE(until([&] { return a.words.back() == "executing null"; }));
  const json::object error = a.last("execution_error");
  EXPECT_EQ(string_or(error, "exception_type", ""), "WorkerLost");
  EXPECT_EQ(string_or(error, "node_id", ""), "2");
  EXPECT_EQ(string_or(error, "node_type", ""), "B");
  EXPECT_EQ(dump(error.at("executed")), R"(["1"])");
  EXPECT_EQ(history("j").at("j").at("status").at("status_str"), "error");
}

TEST_F(JobDeskTest, WorkersThatAreGoneBeforeTheirFirstWordAreToldOfAllTheSame) {
  FakeSession a(hub_, "a");
  FakeWorker first(1), second(2);
  listener_.ready(first);
  submit("j");
  lose(first, LostReason::kCrashed);
  EXPECT_EQ(a.count("execution_start"), 1u);
  listener_.ready(second);
  ASSERT_TRUE(until([&] { return second.jobs().size() == 1; }));
  event(second, NodeStarted{NodeIds::plain("1")}, "j", 2);
  event(second, NodeFinished{NodeIds::plain("1")}, "j", 2);
  lose(second, LostReason::kCrashed);
  ASSERT_TRUE(until([&] { return a.words.back() == "executing null"; }));
  EXPECT_EQ(a.count("execution_start"), 2u);
  EXPECT_EQ(string_or(a.last("execution_error"), "node_id", ""), "2") << "the next one that could run";
}

TEST_F(JobDeskTest, AWorkerThatAteTheMemoryGetsNoSecondChance) {
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  event(worker, NodeStarted{NodeIds::plain("1")});
  lose(worker, LostReason::kMemory);
  ASSERT_TRUE(until([&] { return a.words.back() == "executing null"; }));
  EXPECT_EQ(a.count("execution_error"), 1u);
}

TEST_F(JobDeskTest, AJobThatIsHandedBackRunsAgainWithoutALoss) {
  FakeWorker first(1), second(2);
  listener_.ready(first);
  for (int i = 1; i <= 3; ++i) {
    if (i == 1) submit("j");
    FakeWorker worker(10 + i);
    listener_.ready(worker);
    FakeWorker& holder = i == 1 ? first : worker;
    ASSERT_TRUE(until([&] { return holder.jobs().size() == 1; })) << i;
    listener_.record(holder, {"handed_back", {{"job", "j"}, {"attempt", i}}, {}});
    listener_.lost(holder, LostReason::kStopped);
    if (i == 1) listener_.lost(worker, LostReason::kStopped);
    pump();
  }
  listener_.ready(second);
  ASSERT_TRUE(until([&] { return second.jobs().size() == 1; }));
  EXPECT_GE(second.jobs()[0].attempt, 4);
}

TEST_F(JobDeskTest, WhatAPackSaysOutsideOfJobsReachesWhomItIsFor) {
  FakeSession a(hub_, "a"), b(hub_, "b");
  FakeWorker worker(1);
  listener_.ready(worker);
  listener_.record(worker, {"message", {{"type", "mine"}, {"data", json::object{{"n", 1}}}, {"sid", "a"}}, {}});
  listener_.record(worker, {"message", {{"type", "all"}, {"data", json::array{1, nullptr}}}, {}});
  listener_.record(worker, {"message", {{"type", "nobody"}, {"data", 1}, {"sid", "c"}}, {}});
  listener_.record(worker, {"binary", {{"number", 9}, {"sid", "b"}}, "bytes"});
  ASSERT_EQ(a.frames.size(), 2u);
  EXPECT_EQ(*a.frames[0].payload, R"({"type":"mine","data":{"n":1}})");
  EXPECT_EQ(*a.frames[1].payload, R"({"type":"all","data":[1,null]})");
  ASSERT_EQ(b.frames.size(), 2u);
  EXPECT_EQ(b.frames[0].payload, a.frames[1].payload) << "made once";
  EXPECT_EQ(*b.frames[1].payload, std::string("\0\0\0\x09"
                                              "bytes",
                                              9));
  EXPECT_TRUE(b.frames[1].binary);
}

TEST_F(JobDeskTest, InterruptReachesOnlyTheJobThatRuns) {
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  desk_->interrupt("local", std::nullopt);
  listener_.ready(worker);
  submit("j");
  submit("waits");
  desk_->interrupt("local", "waits");
  EXPECT_EQ(worker.count("cancel"), 0u);
  desk_->interrupt("local", "j");
  ASSERT_EQ(worker.count("cancel"), 1u);
  event(worker, JobInterrupted{"1", "A", {"0"}, 5});
  ASSERT_TRUE(until([&] { return worker.jobs().size() == 2; }));
  EXPECT_EQ(dump(a.last("execution_interrupted")), R"({"prompt_id":"j","node_id":"1","node_type":"A","executed":["0"],"timestamp":5})");
  EXPECT_EQ(parse_json(*run(desk_->job_json("local", "j"))).at("status"), "cancelled");
}

TEST_F(JobDeskTest, ANodeThatOutlivesTheGraceTimeIsKilled) {
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  event(worker, NodeStarted{NodeIds::plain("1")});
  EXPECT_TRUE(run(desk_->cancel("local", "j")));
  EXPECT_FALSE(worker.killed);
  ASSERT_TRUE(until([&] { return worker.killed.has_value(); }));
  lose(worker, LostReason::kCancelled);
  ASSERT_TRUE(until([&] { return a.words.back() == "executing null"; }));
  EXPECT_EQ(string_or(a.last("execution_interrupted"), "node_type", ""), "A");
}

TEST_F(JobDeskTest, AJobThatRunsTooLongEndsWithAnError) {
  open({.grace = 50ms, .longest = 60ms, .tick = 10ms});
  for (const bool obeys : {true, false}) {
    FakeSession a(hub_, "a");
    FakeWorker worker(obeys ? 1 : 2);
    const std::string id = obeys ? "obeys" : "does not";
    listener_.ready(worker);
    submit(id);
    event(worker, NodeStarted{NodeIds::plain("1")}, id);
    ASSERT_TRUE(until([&] { return worker.count("cancel") == 1; }));
    if (obeys) event(worker, JobInterrupted{"1", "A", {}, now_ms()}, id);
    else ASSERT_TRUE(until([&] { return worker.killed.has_value(); }));
    lose(worker, LostReason::kCancelled);
    ASSERT_TRUE(until([&] { return a.words.back() == "executing null"; }));
    EXPECT_EQ(string_or(a.last("execution_error"), "exception_type", ""), "TimeoutError");
    EXPECT_EQ(a.count("execution_interrupted"), 0u);
    EXPECT_FALSE(history(id).at(id).at("status").at("completed").as_bool());
  }
}

TEST_F(JobDeskTest, ASenderMayAskForLessTimeThanTheServerGives) {
  open({.grace = 1h, .longest = 1h, .tick = 10ms});
  FakeWorker worker(1);
  listener_.ready(worker);
  Job wanted = job("j");
  wanted.terms.timeout_s = 1;
  run(desk_->submit(wanted));
  event(worker, NodeStarted{NodeIds::plain("1")});
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(until([&] { return worker.count("cancel") == 1; }));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 900ms);
}

TEST_F(JobDeskTest, ACancelBeforeTheTimeIsOverStaysACancel) {
  open({.grace = 1h, .longest = 60ms, .tick = 10ms});
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  event(worker, NodeStarted{NodeIds::plain("1")});
  EXPECT_TRUE(run(desk_->cancel("local", "j")));
  pump(100ms);
  EXPECT_EQ(worker.count("cancel"), 1u);
  event(worker, JobInterrupted{"1", "A", {}, now_ms()});
  ASSERT_TRUE(until([&] { return a.words.back() == "executing null"; }));
  EXPECT_EQ(a.count("execution_interrupted"), 1u);
}

TEST_F(JobDeskTest, ACancelledJobThatComesBackIsNotRunAgain) {
  for (const bool handed_back : {false, true}) {
    FakeSession a(hub_, "a");
    FakeWorker worker(handed_back ? 2 : 1);
    const std::string job = handed_back ? "back" : "lost";
    listener_.ready(worker);
    submit(job);
    event(worker, NodeStarted{NodeIds::plain("1")});
    EXPECT_TRUE(run(desk_->cancel("local", job)));
    if (handed_back) listener_.record(worker, Record{"handed_back", {{"job", job}, {"attempt", 1}}, {}});
    lose(worker, LostReason::kStopped);
    ASSERT_TRUE(until([&] { return !a.words.empty() && a.words.back() == "executing null"; })) << job;
    EXPECT_EQ(history(job).at(job).at("status").at("messages").as_array().back().at(0), "execution_interrupted");
    EXPECT_EQ(desk_->queue_remaining("local"), 0u);
  }
}

TEST_F(JobDeskTest, ASecondCancelEndsTheGraceTime) {
  constexpr std::chrono::milliseconds kImpatience{100};
  open({.grace = std::chrono::hours(1), .impatience = kImpatience, .tick = std::chrono::milliseconds(10)});
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  event(worker, NodeStarted{NodeIds::plain("1")});
  EXPECT_TRUE(run(desk_->cancel("local", "j")));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(run(desk_->cancel("local", "j")));  // a double click
  EXPECT_FALSE(until([&] { return worker.killed.has_value() || std::chrono::steady_clock::now() - began > kImpatience; }) && worker.killed);
  EXPECT_TRUE(run(desk_->cancel("local", "j")));
  ASSERT_TRUE(until([&] { return worker.killed.has_value(); }));
  EXPECT_EQ(worker.killed, LostReason::kCancelled);
}

TEST_F(JobDeskTest, CancellingAWaitingJobPutsItIntoTheHistory) {
  FakeSession a(hub_, "a");
  submit("j");
  EXPECT_TRUE(run(desk_->cancel("local", "j")));
  EXPECT_FALSE(run(desk_->cancel("local", "j")));
  EXPECT_FALSE(run(desk_->cancel("local", "nobody")));
  EXPECT_EQ(a.words.back(), "status 0");
  EXPECT_EQ(history("j").at("j").at("status").at("messages").at(0).at(0), "execution_interrupted");
}

TEST_F(JobDeskTest, NothingIsTakenOrHandedOutAfterClosing) {
  FakeWorker worker(1);
  submit("j");
  desk_->close();
  listener_.ready(worker);
  pump();
  EXPECT_TRUE(worker.jobs().empty());
  EXPECT_THROW(run(desk_->submit(job("k"))), Unavailable);
  EXPECT_EQ(broker_.counts().pending, 1u);
}

TEST_F(JobDeskTest, WorkersShareTheQueue) {
  FakeWorker first(1), second(2);
  listener_.ready(first);
  listener_.ready(second);
  submit("j");
  submit("k");
  submit("l");
  EXPECT_EQ(first.jobs().size(), 1u);
  EXPECT_EQ(second.jobs().size(), 1u);
  event(second, JobSucceeded{1}, second.jobs()[0].id);
  EXPECT_TRUE(until([&] { return second.jobs().size() == 2; }));
}

/// Keeps the broker from writing, as a disk would that takes nothing for a while.
class HeldWrites {
 public:
  explicit HeldWrites(const fs::path& file) : database_(file.string(), Database::Mode::kReadWrite) {
    database_.prepare("BEGIN IMMEDIATE").run();
  }
  void let_go() { database_.prepare("ROLLBACK").run(); }

 private:
  Database database_;
};

TEST_F(JobDeskTest, AWorkerGoesOnWhileAResultIsStoredAndIsHeardAfterItsEnd) {
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  submit("k");
  HeldWrites held(folder_ / "d.sqlite");
  event(worker, JobStarted{1});
  event(worker, JobSucceeded{2});
  ASSERT_TRUE(until([&] { return worker.jobs().size() == 2; })) << "the result of the first is not stored yet";
  event(worker, JobStarted{3}, "k");
  event(worker, NodeStarted{NodeIds::plain("1")}, "k");
  pump();
  EXPECT_EQ(a.count("execution_start"), 1u);
  EXPECT_EQ(a.count("executing null"), 0u);
  EXPECT_EQ(broker_.counts().running, 2u) << "a job that is not in the history is in the queue";
  FakeSession late(hub_, "a");
  desk_->greet(late);
  EXPECT_EQ(late.count("executing 1"), 0u) << "its turn has not come";
  held.let_go();
  ASSERT_TRUE(until([&] { return late.count("executing 1") == 1; }));
  EXPECT_EQ(late.words[0], "status 2");
  const auto at = [&](const char* word) { return std::ranges::find(late.words, word) - late.words.begin(); };
  EXPECT_LT(at("executing null"), at("execution_start"));
  EXPECT_LT(at("execution_start"), at("executing 1"));
}

TEST_F(JobDeskTest, AReplyThatIsNotWrittenHoldsBackItsOwnJobAlone) {
  FakeSession a(hub_, "a"), b(hub_, "b");
  FakeWorker worker(1);
  listener_.ready(worker);
  run(desk_->submit(job("j", "a")));  // and its reply is not read
  submit("k", "b");
  for (const char* id : {"j", "k"}) {
    ASSERT_TRUE(until([&] { return worker.jobs().back().id == id; }));
    event(worker, JobStarted{1}, id);
    event(worker, JobSucceeded{2}, id);
  }
  ASSERT_TRUE(until([&] { return b.count("executing null") == 1; }));
  EXPECT_EQ(a.count("execution_start"), 0u);
  desk_->when_replied("j")(true);
  EXPECT_EQ(a.words.back(), "executing null");
}

TEST_F(JobDeskTest, WorkersStandStillWhileResultsCantBeStored) {
  FakeWorker worker(1);
  listener_.ready(worker);
  const auto id = [](std::size_t i) { return "j" + std::to_string(i); };
  for (std::size_t i = 0; i <= Dispatcher::kMaxEnding; ++i) submit(id(i));
  HeldWrites held(folder_ / "d.sqlite");
  for (std::size_t i = 0; i < Dispatcher::kMaxEnding; ++i) {
    ASSERT_TRUE(until([&] { return worker.jobs().size() == i + 1; }));
    event(worker, JobStarted{1}, id(i));
    event(worker, JobSucceeded{2}, id(i));
  }
  pump();
  EXPECT_EQ(worker.jobs().size(), Dispatcher::kMaxEnding);
  EXPECT_EQ(broker_.counts().pending, 1u);
  held.let_go();
  ASSERT_TRUE(until([&] { return worker.jobs().size() == Dispatcher::kMaxEnding + 1; }));
  const auto stored = [&](std::size_t i) { return history(id(i)).contains(id(i)); };
  for (std::size_t i = 0; i < Dispatcher::kMaxEnding; ++i) EXPECT_TRUE(until([&] { return stored(i); })) << i;
}

TEST_F(JobDeskTest, EventsThatMakeNoSenseHarmNobody) {
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  listener_.record(worker, {"event", {{"job", "j"}, {"attempt", 1}, {"event", "exploded"}}, {}});
  listener_.record(worker, {"event", {{"job", "other"}, {"attempt", 1}, {"event", "succeeded"}}, {}});
  listener_.record(worker, {"event", {}, {}});
  listener_.record(worker, {"what", {}, {}});
  EXPECT_EQ(broker_.counts().running, 1u);
  event(worker, JobSucceeded{1});
  EXPECT_TRUE(until([&] { return broker_.counts().total() == 0; }));
}

}  // namespace
}  // namespace darkroom
