#include "gateway/job_desk.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <deque>
#include <filesystem>

#include "base/text.hpp"
#include "broker/sqlite_broker.hpp"
#include "gateway/hub.hpp"
#include "gateway/running_job.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// A socket that keeps what it gets, in short words: "status 1", "executing 4", "binary 1".
class FakeSession final : public HubSession {
 public:
  FakeSession(Hub& hub, std::string id, bool metadata = false) : hub_(hub), id_(std::move(id)), metadata_(metadata) { hub_.connect(*this); }
  ~FakeSession() override { hub_.disconnect(*this); }
  void send(const Frame& frame) override {
    frames.push_back(frame);
    words.push_back(word(frame));
    if (on_word) on_word(words.back());
  }
  const std::string& client_id() const override { return id_; }
  bool supports_preview_metadata() const override { return metadata_; }
  void close(std::uint16_t) override {}

  static std::string word(const Frame& frame) {
    if (frame.binary) return "binary " + std::to_string((*frame.payload)[3]);
    const json::object message = parse_json(*frame.payload).as_object();
    const std::string type = string_or(message, "type", "");
    const json::object& data = message.at("data").as_object();
    if (type == "status") return "status " + std::to_string(data.at("status").at("exec_info").at("queue_remaining").as_int64());
    if (type == "executing") return "executing " + (data.at("node").is_null() ? "null" : std::string(data.at("node").as_string()));
    return type;
  }
  json::object last(std::string_view type) const {
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      if (frame->binary) continue;
      const json::object message = parse_json(*frame->payload).as_object();
      if (string_or(message, "type", "") == type) return message.at("data").as_object();
    }
    return {};
  }
  std::size_t count(std::string_view wanted) const { return static_cast<std::size_t>(std::count(words.begin(), words.end(), wanted)); }

  std::deque<Frame> frames;
  std::vector<std::string> words;
  std::function<void(const std::string&)> on_word;

 private:
  Hub& hub_;
  std::string id_;
  bool metadata_;
};

class FakeWorker final : public WorkerHandle {
 public:
  explicit FakeWorker(int number) : number_(number) {}
  int id() const override { return number_; }
  void send(const Record& record) override { got.push_back(record); }
  void kill(LostReason reason) override { killed = reason; }
  const json::object& device() const override { return nothing_; }
  const json::object& hello() const override { return nothing_; }
  std::uint64_t resident_bytes() const override { return 0; }

  /// The jobs that it was told to run.
  std::vector<Job> jobs() const {
    std::vector<Job> list;
    for (const auto& record : got)
      if (record.kind == "run") list.push_back(Job::from_json(record.data.at("job").as_object()));
    return list;
  }
  std::size_t count(std::string_view kind) const {
    return static_cast<std::size_t>(std::count_if(got.begin(), got.end(), [&](const Record& record) { return record.kind == kind; }));
  }

  std::vector<Record> got;
  std::optional<LostReason> killed;

 private:
  int number_;
  json::object nothing_;
};

class JobDeskTest : public testing::Test {
 protected:
  JobDeskTest() : folder_(fs::temp_directory_path() / ("darkroom-desk-" + random_hex(12))), broker_(folder_ / "d.sqlite", {}) {
    fs::create_directories(folder_);
    open({.reply = 10s, .grace = 60ms, .tick = 10ms});
  }
  ~JobDeskTest() override {
    desk_.reset();
    fs::remove_all(folder_);
  }

  void open(JobDesk::Times times) {
    desk_ = std::make_unique<JobDesk>(io_.get_executor(), broker_, hub_, [this](WorkerListener given) { listener_ = std::move(given); }, times);
    run(desk_->start());
  }

  template <class T>
  T run(asio::awaitable<T> work) {
    io_.restart();
    auto future = asio::co_spawn(io_, std::move(work), asio::use_future);
    while (future.wait_for(0s) != std::future_status::ready) io_.run_one_for(1s);
    return future.get();
  }
  void pump(std::chrono::milliseconds time = 20ms) {
    io_.restart();
    io_.run_for(time);
  }
  template <class Condition>
  bool until(Condition condition) {
    for (int i = 0; i < 300 && !condition(); ++i) pump(10ms);
    return condition();
  }

  Job job(const std::string& id, const std::string& client = "a") {
    Job made;
    made.id = id;
    made.number = desk_->next_number();
    made.client_id = client;
    made.has_client = !client.empty();
    made.prompt = {{"1", json::object{{"class_type", "A"}, {"inputs", json::object{}}}}, {"2", json::object{{"class_type", "B"}}}};
    made.outputs = {"2"};
    made.create_time = now_ms();
    return made;
  }
  void submit(const std::string& id, const std::string& client = "a") {
    run(desk_->submit(job(id, client)));
    desk_->reply_written(id);
    pump();
  }
  void event(FakeWorker& worker, const JobEvent& what, const std::string& id = "j", int attempt = 1) {
    listener_.record(worker, event_record(id, attempt, what));
  }
  void lose(FakeWorker& worker, LostReason reason) {
    listener_.lost(worker, reason);
    pump();
  }
  json::object history(const std::string& id) {
    return parse_json(*run(desk_->history_json_of(id))).as_object();
  }

  fs::path folder_;
  asio::io_context io_;
  Hub hub_;
  SqliteBroker broker_;
  WorkerListener listener_;
  std::unique_ptr<JobDesk> desk_;
};

using Words = std::vector<std::string>;

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
  desk_->reply_written("j");
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

TEST_F(JobDeskTest, InterruptReachesOnlyTheJobThatRuns) {
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  desk_->interrupt(std::nullopt);
  listener_.ready(worker);
  submit("j");
  submit("waits");
  desk_->interrupt("waits");
  EXPECT_EQ(worker.count("cancel"), 0u);
  desk_->interrupt("j");
  ASSERT_EQ(worker.count("cancel"), 1u);
  event(worker, JobInterrupted{"1", "A", {"0"}, 5});
  ASSERT_TRUE(until([&] { return worker.jobs().size() == 2; }));
  EXPECT_EQ(dump(a.last("execution_interrupted")), R"({"prompt_id":"j","node_id":"1","node_type":"A","executed":["0"],"timestamp":5})");
  EXPECT_EQ(parse_json(*run(desk_->job_json("j"))).at("status"), "cancelled");
}

TEST_F(JobDeskTest, ANodeThatOutlivesTheGraceTimeIsKilled) {
  FakeSession a(hub_, "a");
  FakeWorker worker(1);
  listener_.ready(worker);
  submit("j");
  event(worker, NodeStarted{NodeIds::plain("1")});
  EXPECT_TRUE(run(desk_->cancel("j")));
  EXPECT_FALSE(worker.killed);
  ASSERT_TRUE(until([&] { return worker.killed.has_value(); }));
  lose(worker, LostReason::kCancelled);
  ASSERT_TRUE(until([&] { return a.words.back() == "executing null"; }));
  EXPECT_EQ(string_or(a.last("execution_interrupted"), "node_type", ""), "A");
}

TEST_F(JobDeskTest, CancellingAWaitingJobPutsItIntoTheHistory) {
  FakeSession a(hub_, "a");
  submit("j");
  EXPECT_TRUE(run(desk_->cancel("j")));
  EXPECT_FALSE(run(desk_->cancel("j")));
  EXPECT_FALSE(run(desk_->cancel("nobody")));
  EXPECT_EQ(a.words.back(), "status 0");
  EXPECT_EQ(history("j").at("j").at("status").at("messages").at(0).at(0), "execution_interrupted");
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
  const auto first = run(desk_->queue_json());
  EXPECT_EQ(first, run(desk_->queue_json()));
  submit("k");
  const auto second = run(desk_->queue_json());
  EXPECT_NE(first, second);
  const json::value queue = parse_json(*second);
  EXPECT_EQ(queue.at("queue_pending").as_array().size(), 2u);
  EXPECT_EQ(queue.at("queue_pending").at(0).at(1), "j");
  run(desk_->delete_pending({"j", "nobody"}));
  run(desk_->clear_pending());
  EXPECT_EQ(*run(desk_->queue_json()), R"({"queue_running":[],"queue_pending":[]})");
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
