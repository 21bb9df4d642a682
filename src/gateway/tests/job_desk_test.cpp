// What the job desk tells of jobs, in which order and to whom.

#include "gateway/tests/job_desk_fixture.hpp"

namespace darkroom {
namespace {

TEST_F(JobDeskTest, APlainJobIsToldInTheRecordedOrder) {
  FakeSession a(hub_, "a"), other(hub_, "b");
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  ASSERT_EQ(worker.jobs().size(), 1u);
  EXPECT_EQ(worker.jobs()[0].attempt, 1);
  event(worker, JobStarted{5});
  event(worker, NodesCached{{}, 6});
  event(worker, NodeStarted{NodeIds::plain("1")});
  event(worker, NodeFinished{NodeIds::plain("1")});
  event(worker, NodeStarted{NodeIds::plain("2")});
  event(worker, NodeExecuted{NodeIds::plain("2"), json::object{{"text", json::array{"hi"}}}});
  event(worker, NodeFinished{NodeIds::plain("2")});
  EXPECT_TRUE(history("j").empty());

  bool complete_at_end = false;
  a.on_word = [&](const std::string& word) {
    if (word == "status 0") complete_at_end = broker_.counts().total() == 0;
  };
  event(worker, JobSucceeded{9});
  ASSERT_TRUE(until([&] { return a.words.back() == "executing null"; }));
  EXPECT_EQ(a.words, (Words{"status 1", "status 1", "execution_start", "execution_cached", "progress_state", "executing 1", "progress_state",
                            "progress_state", "executing 2", "executed", "progress_state", "execution_success", "status 0", "executing null"}));
  EXPECT_TRUE(complete_at_end);
  EXPECT_EQ(other.words, (Words{"status 1", "status 1", "status 0"}));
  EXPECT_EQ(dump(history("j").at("j").at("status")),
            R"({"status_str":"success","completed":true,"messages":[["execution_start",{"prompt_id":"j","timestamp":5}],)"
            R"(["execution_cached",{"nodes":[],"prompt_id":"j","timestamp":6}],["execution_success",{"prompt_id":"j","timestamp":9}]]})");
  EXPECT_EQ(dump(history("j").at("j").at("outputs")), R"({"2":{"text":["hi"]}})");
  EXPECT_EQ(dump(history("j").at("j").at("meta")),
            R"({"2":{"node_id":"2","display_node":"2","parent_node":null,"real_node_id":"2"}})");
}

TEST_F(JobDeskTest, MessagesWaitForTheReplyButTheStatusOfThePutDoesNot) {
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  listener_.ready(worker);
  run(desk_->submit(job("j")));
  pump();
  ASSERT_EQ(worker.jobs().size(), 1u) << "the worker never waits";
  event(worker, JobStarted{1});
  event(worker, JobSucceeded{2});
  ASSERT_TRUE(until([&] { return broker_.counts().total() == 0; }));
  EXPECT_EQ(a.words, Words{"status 1"});
  desk_->when_replied("j")(true);
  EXPECT_EQ(a.words, (Words{"status 1", "status 0", "execution_start", "execution_success", "status 0", "executing null"}));
}

TEST_F(JobDeskTest, AReplyThatIsNeverWrittenHoldsMessagesBackForAMomentOnly) {
  open({.reply = 50ms});
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  listener_.ready(worker);
  run(desk_->submit(job("j")));
  event(worker, JobStarted{1});
  EXPECT_EQ(a.count("execution_start"), 0u);
  EXPECT_TRUE(until([&] { return a.count("execution_start") == 1; }));
}

TEST_F(JobDeskTest, TheQueueWaitsForABeginningForAMomentOnly) {
  open({.beginning = 50ms});
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j", "a");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_NE(run(desk_->queue_json("local"))->find(R"("queue_running":[[)"), std::string::npos);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 50ms);
}

TEST_F(JobDeskTest, TheQueueThatShowsAJobRunningFollowsItsBeginning) {
  open({.beginning = 60s});
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j", "a");
  bool answered = false;
  const auto ask = [&]() -> asio::awaitable<void> {
    co_await desk_->queue_json("local");
    answered = true;
  };
  asio::co_spawn(io_, ask(), asio::detached);
  event(worker, JobStarted{1});
  EXPECT_FALSE(answered);
  event(worker, NodeStarted{NodeIds::plain("1")});
  EXPECT_TRUE(until([&] { return answered; }));
  EXPECT_EQ(a.count("executing 1"), 1u);
}

TEST_F(JobDeskTest, OnlyTheOwnerHearsOfItsJob) {
  FakeSession a(hub_, "a"), b(hub_, "b");
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j", "b");
  event(worker, JobStarted{1});
  event(worker, NodeStarted{NodeIds::plain("1")});
  event(worker, NodeProgress{"1", 1, 2, true, "PNG", "picture"});
  event(worker, TextSent{"1", "hello"});
  event(worker, BinarySent{7, "x", true, ""});
  event(worker, MessageSent{"mine", json::object{}, false, "a"});
  EXPECT_EQ(b.words, (Words{"status 1", "status 1", "execution_start", "progress_state", "executing 1", "progress_state", "progress",
                            "binary 1", "binary 3", "binary 7"}));
  EXPECT_EQ(a.words, (Words{"status 1", "status 1", "binary 7", "mine"}));
  EXPECT_EQ(*b.frames[7].payload, std::string("\0\0\0\1\0\0\0\2picture", 15));
  EXPECT_EQ(*b.frames[8].payload, std::string("\0\0\0\3\0\0\0\1" "1hello", 14));
}

TEST_F(JobDeskTest, WithoutAClientEverybodyHearsOfProgress) {
  FakeSession a(hub_, "a", true);
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j", "");
  event(worker, JobStarted{1});
  event(worker, NodeStarted{NodeIds::plain("1")});
  event(worker, NodeProgress{"1", 1, 2, true, "JPEG", "picture"});
  event(worker, NodeBlocked{{{"node_id", "1"}}});
  event(worker, JobInterrupted{"1", "A", {}, 5});
  ASSERT_TRUE(until([&] { return a.count("status 0") == 1; }));
  EXPECT_EQ(a.words, (Words{"status 1", "status 1", "progress_state", "progress_state", "progress", "binary 1", "execution_error",
                            "execution_interrupted", "status 0"}));
}

TEST_F(JobDeskTest, ClientsWithTheFlagGetPreviewsWithMetadataBeforeTheProgress) {
  FakeSession a(hub_, "a", true);
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  event(worker, NodeStarted{NodeIds{"1.0.0.1", "1", "1", "1"}});
  event(worker, NodeProgress{"1.0.0.1", 1, 2, true, "JPEG", "pic"});
  event(worker, NodeProgress{"1.0.0.1", 2, 2, false, "PNG", "pic"});
  EXPECT_EQ(a.words, (Words{"status 1", "status 1", "progress_state", "executing 1.0.0.1", "progress_state", "binary 4", "progress",
                            "progress_state", "binary 4"}));
  const std::string metadata =
      R"({"node_id":"1.0.0.1","prompt_id":"j","display_node_id":"1","parent_node_id":"1","real_node_id":"1","image_type":"image/jpeg"})";
  std::string expected("\0\0\0\4\0\0\0", 7);
  expected += static_cast<char>(metadata.size());
  EXPECT_EQ(*a.frames[5].payload, expected + metadata + "pic");
  EXPECT_EQ(dump(a.last("progress")), R"({"value":1,"max":2,"prompt_id":"j","node":"1.0.0.1"})");
}

TEST_F(JobDeskTest, LargeGraphsAreTold20TimesASecondAndCompleteAtTheEnd) {
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  const std::size_t before = a.words.size();
  std::size_t whole = 0;
  const auto started = std::chrono::steady_clock::now();
  for (int i = 0; i < 5000; ++i) {
    event(worker, NodeStarted{NodeIds::plain(std::to_string(i))});
    event(worker, NodeFinished{NodeIds::plain(std::to_string(i))});
    if (i == 199) whole = a.count("progress_state");
    if (i % 100 == 0) pump(1ms);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  EXPECT_EQ(whole, 400u) << "up to 200 nodes every event has its message";
  const std::size_t thinned = a.count("progress_state") - whole;
  EXPECT_LE(static_cast<double>(thinned), 20 * seconds + 2);
  event(worker, JobSucceeded{1});
  ASSERT_TRUE(until([&] { return a.words.back() == "executing null"; }));
  EXPECT_GT(a.words.size(), before);

  std::map<std::string, std::string> states;
  for (const Frame& frame : a.frames) {
    if (FakeSession::word(frame) != "progress_state") continue;
    EXPECT_LE(frame.payload->size(), 512u << 10);
    const json::value message = parse_json(*frame.payload);
    for (const auto& [id, node] : message.at("data").at("nodes").as_object()) states[id] = node.at("state").as_string().c_str();
  }
  EXPECT_EQ(states.size(), 5000u);
  for (const auto& [id, state] : states) EXPECT_EQ(state, "finished") << id;
}

TEST_F(JobDeskTest, ASocketThatComesBackIsToldWhereItsJobIs) {
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  event(worker, NodeStarted{NodeIds{"1.0.0.1", "1", "1", "1"}});
  FakeSession a(hub_, "a"), b(hub_, "b");
  desk_->greet(a);
  desk_->greet(b);
  EXPECT_EQ(a.words, (Words{"status 1", "executing 1", "progress_state"}));
  EXPECT_EQ(*a.frames[1].payload, R"({"type":"executing","data":{"node":"1"}})");
  EXPECT_EQ(*b.frames[0].payload, R"({"type":"status","data":{"status":{"exec_info":{"queue_remaining":1}},"sid":"b"}})");
  EXPECT_EQ(b.words.size(), 1u);
  event(worker, JobSucceeded{5});
  ASSERT_TRUE(until([&] { return broker_.counts().total() == 0; }));
  FakeSession late(hub_, "a");
  desk_->greet(late);
  EXPECT_EQ(late.words, Words{"status 0"});
}

TEST_F(JobDeskTest, TheQueueIsSerialisedOncePerChange) {
  submit("j");
  const auto first = run(desk_->queue_json("local"));
  EXPECT_EQ(first, run(desk_->queue_json("local")));
  submit("k");
  const auto second = run(desk_->queue_json("local"));
  EXPECT_NE(first, second);
  const json::value queue = parse_json(*second);
  EXPECT_EQ(queue.at("queue_pending").as_array().size(), 2u);
  EXPECT_EQ(queue.at("queue_pending").at(0).at(1), "j");
  run(desk_->delete_pending("local", {"j", "nobody"}));
  run(desk_->clear_pending("local"));
  EXPECT_EQ(*run(desk_->queue_json("local")), R"({"queue_running":[],"queue_pending":[]})");
}

}  // namespace
}  // namespace darkroom
