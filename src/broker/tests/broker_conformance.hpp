#pragma once
// What every implementation of Broker has to do. Instantiate the suite with a factory:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, BrokerConformance, testing::Values(BrokerFactory{...}));

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.hpp"

namespace darkroom {

using namespace std::chrono_literals;

constexpr auto kLongLease = 1h;

/// Makes a broker; called again after the first one is gone, it opens the same store.
struct BrokerFactory {
  std::string name;
  std::function<std::function<std::unique_ptr<Broker>(BrokerLimits)>()> fresh_store;
};
inline void PrintTo(const BrokerFactory& factory, std::ostream* out) { *out << factory.name; }

inline Job make_job(const std::string& id, std::int64_t number, const std::string& client = "c", const std::string& owner = "local") {
  Job job;
  job.id = id;
  job.number = number;
  job.owner = owner;
  job.client_id = client;
  job.has_client = !client.empty();
  job.prompt = {{"1", json::object{{"class_type", "A"}, {"inputs", json::object{{"text", id}}}}}};
  job.extra_data = {{"client_id", client}, {"create_time", 1000 + number}};
  job.outputs = {"1"};
  job.create_time = 1000 + number;
  return job;
}

inline Job explicit_job(const std::string& id, double number) {
  Job job = make_job(id, 0);
  job.number = number;
  job.explicit_number = true;
  return job;
}

inline JobResult success(std::int64_t started = 10, std::int64_t ended = 20) {
  JobResult result;
  result.started = started;
  result.ended = ended;
  result.messages = {json::array{"execution_start", json::object{{"timestamp", started}}}};
  result.outputs = {{"1", json::object{{"images", json::array{json::object{{"filename", "a.png"}, {"subfolder", ""}, {"type", "output"}}}}}}};
  return result;
}

class BrokerConformance : public testing::TestWithParam<BrokerFactory> {
 protected:
  void SetUp() override {
    make_ = GetParam().fresh_store();
    open();
  }
  void open(BrokerLimits limits = {}) {
    broker_.reset();
    broker_ = make_(limits);
  }

  /// Runs a coroutine to its end.
  template <class T>
  T run(asio::awaitable<T> work) {
    io_.restart();
    auto future = asio::co_spawn(io_, std::move(work), asio::use_future);
    io_.run();
    return future.get();
  }

  void submit(Job job) { run(broker_->submit(std::move(job))); }
  std::optional<ClaimedJob> claim(std::chrono::milliseconds lease = kLongLease) { return run(broker_->claim(lease)); }
  std::string claim_id() {
    const auto claimed = claim();
    return claimed ? claimed->job.id : "";
  }
  std::vector<std::string> pending_ids() {
    std::vector<std::string> ids;
    for (const auto& job : run(broker_->queue("local")).pending) ids.push_back(job->id);
    return ids;
  }
  std::vector<std::string> history_ids(std::optional<std::int64_t> most = {}, std::int64_t offset = -1) {
    std::vector<std::string> ids;
    for (const auto& entry : run(broker_->history("local", most, offset))) ids.push_back(entry.id);
    return ids;
  }
  void run_one(const std::string& id, std::int64_t number) {
    submit(make_job(id, number));
    const auto claimed = claim();
    ASSERT_TRUE(claimed && claimed->job.id == id);
    ASSERT_TRUE(run(broker_->finish(claimed->claim, success(number * 10, number * 10 + 5))));
  }

  using Ids = std::vector<std::string>;
  asio::io_context io_;
  std::function<std::unique_ptr<Broker>(BrokerLimits)> make_;
  std::unique_ptr<Broker> broker_;
};

TEST_P(BrokerConformance, AJobComesBackAsItWasSubmitted) {
  Job job = make_job("a", 3);
  job.secrets = {{"api_key_comfy_org", "hush"}};
  job.prompt["2"] = json::object{{"class_type", "Ü\"\\"}, {"inputs", json::object{{"x", 1.0}, {"y", nullptr}}}};
  job.outputs = {"1", "2"};
  submit(job);
  EXPECT_EQ(broker_->counts().pending, 1u);
  const auto claimed = claim();
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->claim.attempt, 1);
  EXPECT_EQ(claimed->job.attempt, 1);
  EXPECT_EQ(claimed->losses, 0);
  Job expected = job;
  expected.attempt = 1;
  EXPECT_EQ(dump(claimed->job.to_json()), dump(expected.to_json()));
  EXPECT_EQ(broker_->counts().pending, 0u);
  EXPECT_EQ(broker_->counts().running, 1u);
  EXPECT_FALSE(claim());
}

TEST_P(BrokerConformance, TheQueueShowsTuplesWithoutSecrets) {
  Job job = make_job("a", 3);
  job.secrets = {{"api_key_comfy_org", "hush"}};
  submit(job);
  std::string shown;
  run(broker_->queue("local")).pending.at(0)->append_tuple(shown);
  EXPECT_EQ(shown, dump(json::value(job.tuple())));
  claim();
  std::string running;
  run(broker_->queue("local")).running.at(0)->append_tuple(running);
  EXPECT_EQ(running, shown);
  EXPECT_TRUE(run(broker_->queue("somebody else")).running.empty());
}

TEST_P(BrokerConformance, ExplicitNumbersStayDoubles) {
  submit(explicit_job("a", -3));
  std::string shown;
  run(broker_->queue("local")).pending.at(0)->append_tuple(shown);
  EXPECT_TRUE(shown.starts_with("[-3.0,")) << shown;
  open();
  EXPECT_EQ(dump(claim()->job.number), "-3.0");
}

TEST_P(BrokerConformance, OneClientIsServedInOrder) {
  for (int i = 0; i < 20; ++i) submit(make_job("j" + std::to_string(i), i));
  const Ids shown = pending_ids();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(shown[i], "j" + std::to_string(i));
    EXPECT_EQ(claim_id(), shown[i]);
  }
}

TEST_P(BrokerConformance, UsersAndClientsTakeTurns) {
  for (int i = 0; i < 4; ++i) submit(make_job("a" + std::to_string(i), i, "a"));
  submit(make_job("b0", 4, "b"));
  submit(make_job("n0", 5, ""));
  submit(make_job("b1", 6, "b"));
  const Ids expected = {"a0", "b0", "n0", "a1", "b1", "a2", "a3"};
  EXPECT_EQ(pending_ids(), expected);
  for (const std::string& id : expected) EXPECT_EQ(claim_id(), id);
}

TEST_P(BrokerConformance, ExplicitNumbersCompeteWithTheJobThatIsNext) {
  for (int i = 0; i < 3; ++i) submit(make_job("j" + std::to_string(i), i));
  submit(explicit_job("later", 1.5));
  submit(explicit_job("front", -3));
  submit(explicit_job("same", 2));
  const Ids expected = {"front", "j0", "j1", "later", "j2", "same"};
  EXPECT_EQ(pending_ids(), expected);
  for (const std::string& id : expected) EXPECT_EQ(claim_id(), id);
}

TEST_P(BrokerConformance, FinishedJobsAreInTheHistoryAndOutOfTheQueue) {
  submit(make_job("a", 0));
  const auto claimed = claim();
  EXPECT_TRUE(history_ids().empty());
  EXPECT_TRUE(run(broker_->finish(claimed->claim, success())));
  EXPECT_EQ(broker_->counts().total(), 0u);
  const auto entry = run(broker_->history_of("local", "a"));
  ASSERT_TRUE(entry);
  std::string text;
  entry->append_entry(text);
  EXPECT_EQ(text,
            R"({"prompt":[0,"a",{"1":{"class_type":"A","inputs":{"text":"a"}}},{"client_id":"c","create_time":1000},["1"]],)"
            R"("outputs":{"1":{"images":[{"filename":"a.png","subfolder":"","type":"output"}]}},)"
            R"("status":{"status_str":"success","completed":true,"messages":[["execution_start",{"timestamp":10}]]},"meta":{}})");
  EXPECT_FALSE(run(broker_->history_of("somebody else", "a")));
  EXPECT_FALSE(run(broker_->history_of("local", "b")));
}

TEST_P(BrokerConformance, StaleClaimsAreRefused) {
  submit(make_job("a", 0));
  const Claim first = claim()->claim;
  EXPECT_EQ(run(broker_->lose(first)), Broker::Lost::kPending);
  const auto second = claim();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->claim.attempt, 2);
  EXPECT_EQ(second->losses, 1);
  EXPECT_FALSE(run(broker_->finish(first, success())));
  EXPECT_FALSE(run(broker_->extend(first, kLongLease)));
  EXPECT_FALSE(run(broker_->hand_back(first)));
  EXPECT_EQ(run(broker_->lose(first)), Broker::Lost::kStale);
  EXPECT_TRUE(history_ids().empty());
  EXPECT_TRUE(run(broker_->extend(second->claim, kLongLease)));
  EXPECT_TRUE(run(broker_->finish(second->claim, success())));
  EXPECT_FALSE(run(broker_->finish(second->claim, success())));
  EXPECT_EQ(history_ids(), Ids{"a"});
}

TEST_P(BrokerConformance, ASecondLossEndsTheRetries) {
  submit(make_job("a", 0));
  EXPECT_EQ(run(broker_->lose(claim()->claim)), Broker::Lost::kPending);
  const Claim second = claim()->claim;
  EXPECT_EQ(run(broker_->lose(second)), Broker::Lost::kExhausted);
  EXPECT_FALSE(claim());
  EXPECT_TRUE(run(broker_->finish(second, success())));
}

TEST_P(BrokerConformance, HandingBackCountsNoLossAndKeepsThePlace) {
  submit(make_job("a", 0));
  submit(make_job("b", 1));
  for (int i = 1; i <= 5; ++i) {
    const auto claimed = claim();
    EXPECT_EQ(claimed->job.id, "a");
    EXPECT_EQ(claimed->claim.attempt, i);
    EXPECT_EQ(claimed->losses, 0);
    EXPECT_TRUE(run(broker_->hand_back(claimed->claim)));
  }
  EXPECT_EQ(pending_ids(), (Ids{"a", "b"}));
}

TEST_P(BrokerConformance, LeasesRunOut) {
  submit(make_job("a", 0));
  const auto wait = [&] { std::this_thread::sleep_for(30ms); };
  const Claim first = claim(10ms)->claim;
  EXPECT_TRUE(run(broker_->extend(first, kLongLease)));
  wait();
  EXPECT_TRUE(run(broker_->expire_leases()).empty());
  EXPECT_TRUE(run(broker_->extend(first, 10ms)));
  wait();
  EXPECT_TRUE(run(broker_->expire_leases()).empty());
  EXPECT_FALSE(run(broker_->finish(first, success())));
  const Claim second = claim(10ms)->claim;
  EXPECT_EQ(second.attempt, 2);
  wait();
  const auto exhausted = run(broker_->expire_leases());
  ASSERT_EQ(exhausted.size(), 1u);
  EXPECT_FALSE(run(broker_->finish(second, success()))) << "the late worker is refused";
  EXPECT_TRUE(run(broker_->expire_leases()).empty());
  EXPECT_TRUE(run(broker_->finish(exhausted[0], success())));
}

TEST_P(BrokerConformance, DeletingAndClearingTouchOnlyWhatWaits) {
  for (int i = 0; i < 5; ++i) submit(make_job("j" + std::to_string(i), i));
  const Claim running = claim()->claim;
  EXPECT_EQ(run(broker_->delete_pending("local", {"j0", "j2", "nobody", "j2"})), 1u);
  EXPECT_EQ(run(broker_->delete_pending("somebody else", {"j1"})), 0u);
  EXPECT_EQ(pending_ids(), (Ids{"j1", "j3", "j4"}));
  EXPECT_EQ(run(broker_->clear_pending("local")), 3u);
  EXPECT_TRUE(pending_ids().empty());
  EXPECT_TRUE(history_ids().empty());
  EXPECT_TRUE(run(broker_->finish(running, success())));
  open();
  EXPECT_EQ(broker_->counts().total(), 0u);
}

TEST_P(BrokerConformance, CancellingAWaitingJobPutsItIntoTheHistory) {
  submit(make_job("a", 0));
  submit(make_job("b", 1));
  JobResult result{.status = "error", .completed = false, .cancelled = true, .ended = 5};
  EXPECT_TRUE(run(broker_->cancel_pending("local", "a", result)));
  EXPECT_FALSE(run(broker_->cancel_pending("local", "a", result)));
  EXPECT_EQ(run(broker_->history_of("local", "a"))->summary.status, "cancelled");
  EXPECT_EQ(broker_->counts().pending, 1u);
  EXPECT_EQ(claim_id(), "b");
}

TEST_P(BrokerConformance, PromptIdsMayRepeat) {
  submit(make_job("a", 0));
  submit(make_job("a", 1));
  EXPECT_EQ(broker_->counts().pending, 2u);
  const auto first = claim();
  const auto second = claim();
  EXPECT_NE(first->claim.ticket, second->claim.ticket);
  EXPECT_TRUE(run(broker_->finish(first->claim, success())));
  EXPECT_TRUE(run(broker_->finish(second->claim, success())));
  EXPECT_EQ(history_ids(), Ids{"a"});
}

TEST_P(BrokerConformance, AnIdThatComesAgainKeepsItsPlaceInTheHistory) {
  for (const char* id : {"a", "b", "c"}) run_one(id, id[0] - 'a');
  run_one("a", 9);
  EXPECT_EQ(history_ids(), (Ids{"a", "b", "c"}));
  EXPECT_EQ(dump(run(broker_->history_of("local", "a"))->number), "9");
}

TEST_P(BrokerConformance, HistoryIsReadInParts) {
  for (int i = 0; i < 5; ++i) run_one(std::string(1, static_cast<char>('a' + i)), i);
  EXPECT_EQ(history_ids(), (Ids{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(history_ids(2), (Ids{"d", "e"}));
  EXPECT_EQ(history_ids(9), (Ids{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(history_ids(2, 0), (Ids{"a", "b"}));
  EXPECT_EQ(history_ids({}, 2), (Ids{"c", "d", "e"}));
  EXPECT_EQ(history_ids(0), Ids{});
  EXPECT_EQ(history_ids(-1), Ids{});
  EXPECT_EQ(history_ids({}, 9), Ids{});
  run(broker_->delete_history("local", {"b", "nobody"}));
  run(broker_->delete_history("somebody else", {"c"}));
  EXPECT_EQ(history_ids(), (Ids{"a", "c", "d", "e"}));
  run(broker_->clear_history("local"));
  EXPECT_EQ(history_ids(), Ids{});
}

TEST_P(BrokerConformance, TheQueueHasALimit) {
  open({.max_queue = 3});
  for (int i = 0; i < 3; ++i) submit(make_job("j" + std::to_string(i), i));
  EXPECT_THROW(submit(make_job("over", 3)), QueueFull);
  const Claim running = claim()->claim;
  submit(make_job("j3", 3));
  EXPECT_THROW(submit(make_job("over", 4)), QueueFull);
  EXPECT_TRUE(run(broker_->hand_back(running))) << "what was accepted once is never refused";
  EXPECT_EQ(broker_->counts().pending, 4u);
}

TEST_P(BrokerConformance, TheLimitHoldsForManyAtOnce) {
  open({.max_queue = 10});
  int accepted = 0, refused = 0;
  for (int i = 0; i < 30; ++i)
    asio::co_spawn(
        io_,
        [](Broker& broker, int number, int& yes, int& no) -> asio::awaitable<void> {
          try {
            co_await broker.submit(make_job("j" + std::to_string(number), number));
            ++yes;
          } catch (const QueueFull&) {
            ++no;
          }
        }(*broker_, i, accepted, refused),
        asio::detached);
  io_.restart();
  io_.run();
  EXPECT_EQ(accepted, 10);
  EXPECT_EQ(refused, 20);
  EXPECT_EQ(broker_->counts().pending, 10u);
}

TEST_P(BrokerConformance, TheHistoryHasALimit) {
  open({.max_history = 3});
  for (int i = 0; i < 5; ++i) run_one(std::string(1, static_cast<char>('a' + i)), i);
  EXPECT_EQ(history_ids(), (Ids{"c", "d", "e"}));
  run_one("d", 7);
  EXPECT_EQ(history_ids(), (Ids{"c", "d", "e"}));
  run(broker_->delete_history("local", {"c"}));
  run_one("f", 8);
  EXPECT_EQ(history_ids(), (Ids{"d", "e", "f"}));
  open({.max_history = 2});
  run_one("g", 9);
  EXPECT_EQ(history_ids(), (Ids{"f", "g"}));
}

TEST_P(BrokerConformance, EverythingIsThereAfterOpeningAgain) {
  run_one("done", 0);
  for (int i = 1; i < 4; ++i) submit(make_job("j" + std::to_string(i), i));
  submit(explicit_job("x", 2.5));
  broker_->next_number();
  EXPECT_EQ(claim_id(), "j1");
  open();
  EXPECT_EQ(history_ids(), Ids{"done"});
  EXPECT_EQ(broker_->counts().running, 0u);
  EXPECT_EQ(pending_ids(), (Ids{"j1", "j2", "x", "j3"}));
  const auto again = claim();
  EXPECT_EQ(again->job.id, "j1");
  EXPECT_EQ(again->claim.attempt, 2) << "it runs again";
  EXPECT_EQ(again->losses, 0) << "the gateway's own death is no loss";
  std::string shown;
  run(broker_->queue("local")).pending.at(0)->append_tuple(shown);
  EXPECT_EQ(shown, dump(json::value(make_job("j2", 2).tuple())));
  EXPECT_EQ(broker_->next_number(), 4) << "numbers go on after those in use";
}

TEST_P(BrokerConformance, NumbersStartAtZero) {
  EXPECT_EQ(broker_->next_number(), 0);
  EXPECT_EQ(broker_->next_number(), 1);
}

TEST_P(BrokerConformance, ManySubmittersAtOnceAllGetThrough) {
  int accepted = 0;
  for (int i = 0; i < 300; ++i)
    asio::co_spawn(
        io_,
        [](Broker& broker, int number, int& count) -> asio::awaitable<void> {
          co_await broker.submit(make_job("j" + std::to_string(number), number));
          ++count;
        }(*broker_, i, accepted),
        asio::detached);
  io_.restart();
  io_.run();
  EXPECT_EQ(accepted, 300);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(claim_id(), "j" + std::to_string(i));
}

TEST_P(BrokerConformance, JobsListsQueueAndHistoryTogether) {
  Job with_workflow = make_job("a", 0);
  with_workflow.extra_data["extra_pnginfo"] = {{"workflow", json::object{{"id", "wf"}}}};
  submit(with_workflow);
  EXPECT_TRUE(run(broker_->finish(claim()->claim, success(100, 900))));
  submit(make_job("b", 1));
  JobResult failed = success(200, 300);
  failed.status = "error";
  failed.outputs.clear();
  failed.messages = {json::array{"execution_error", json::object{{"node_id", "1"}}}};
  EXPECT_TRUE(run(broker_->finish(claim()->claim, failed)));
  submit(make_job("c", 2));
  submit(make_job("d", 3));
  EXPECT_EQ(claim_id(), "c");

  const auto ids = [&](JobsFilter filter) {
    Ids list;
    for (const auto& job : run(broker_->jobs("local", filter)).jobs) list.push_back(job.id + ":" + job.summary.status);
    return list;
  };
  EXPECT_EQ(ids({}), (Ids{"d:pending", "c:in_progress", "b:failed", "a:completed"}));
  EXPECT_EQ(ids({.ascending = true}), (Ids{"a:completed", "b:failed", "c:in_progress", "d:pending"}));
  EXPECT_EQ(ids({.status = {"failed", "pending"}}), (Ids{"d:pending", "b:failed"}));
  EXPECT_EQ(ids({.status = {"cancelled"}}), Ids{});
  EXPECT_EQ(ids({.workflow_id = "wf"}), Ids{"a:completed"});
  EXPECT_EQ(ids({.by_duration = true, .limit = 2}), (Ids{"a:completed", "b:failed"}));
  EXPECT_EQ(ids({.limit = 1, .offset = 2}), Ids{"b:failed"});
  EXPECT_EQ(ids({.limit = 5, .offset = 9}), Ids{});
  const auto page = run(broker_->jobs("local", {.limit = 1, .offset = 3}));
  EXPECT_EQ(page.total, 4);
  const JobSummary& summary = page.jobs.at(0).summary;
  EXPECT_EQ(summary.workflow_id, "wf");
  EXPECT_EQ(summary.create_time, 1000);
  EXPECT_EQ(summary.started, 100);
  EXPECT_EQ(summary.ended, 900);
  EXPECT_EQ(summary.outputs_count, 1);
  EXPECT_EQ(summary.preview, R"({"filename":"a.png","subfolder":"","type":"output","nodeId":"1","mediaType":"images"})");
  EXPECT_EQ(run(broker_->jobs("local", {.status = {"failed"}})).jobs.at(0).summary.error, R"({"node_id":"1"})");
  EXPECT_EQ(run(broker_->jobs("somebody else", {})).total, 0);
}

TEST_P(BrokerConformance, ChangesAreTold) {
  int changes = 0;
  broker_->on_change([&] { ++changes; });
  const auto changed_by = [&](const auto& action) {
    const int before = changes;
    action();
    return changes > before;
  };
  Claim claimed;
  EXPECT_TRUE(changed_by([&] { submit(make_job("a", 0)); }));
  EXPECT_TRUE(changed_by([&] { claimed = claim()->claim; }));
  EXPECT_TRUE(changed_by([&] { run(broker_->hand_back(claimed)); }));
  EXPECT_TRUE(changed_by([&] { run(broker_->delete_pending("local", {"a"})); }));
  EXPECT_FALSE(changed_by([&] { run(broker_->delete_pending("local", {"a"})); }));
}

TEST_P(BrokerConformance, EventsReachSubscribersInOrder) {
  std::vector<std::string> first, second;
  auto one = broker_->subscribe([&](const Record& record) { first.push_back(record.kind); });
  auto two = broker_->subscribe([&](const Record& record) { second.push_back(record.kind); });
  broker_->publish({"a", {}, {}});
  two.reset();
  broker_->publish({"b", {}, {}});
  EXPECT_EQ(first, (Ids{"a", "b"}));
  EXPECT_EQ(second, Ids{"a"});
}

TEST_P(BrokerConformance, SchemasAreKeptByBuild) {
  EXPECT_FALSE(run(broker_->kept_schemas("b1")));
  run(broker_->keep_schemas("b1", "[1]"));
  run(broker_->keep_schemas("b1", "[2]"));
  open();
  EXPECT_EQ(run(broker_->kept_schemas("b1")), "[2]");
  for (int i = 0; i < 20; ++i) run(broker_->keep_schemas("n" + std::to_string(i), "[]"));
  EXPECT_TRUE(run(broker_->kept_schemas("n19")));
  EXPECT_FALSE(run(broker_->kept_schemas("n0"))) << "old builds are not kept for ever";
}

}  // namespace darkroom
