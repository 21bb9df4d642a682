#pragma once
// Conformance of brokers: taking jobs in, showing and deleting them, limits, what a restart keeps.

#include "broker/tests/conformance_bench.hpp"

namespace darkroom {

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

TEST_P(BrokerConformance, TermsStayWithTheJobIntoTheHistory) {
  Job job = make_job("a", 3);
  job.terms.priority = 4;
  job.terms.timeout_s = 60;
  job.terms.webhook = "https://example.org/hook";
  job.terms.labels = {{"client", "acme"}};
  submit(make_job("plain", 1));
  submit(job);
  open();
  EXPECT_EQ(JobTerms::of(run(broker_->queue("local")).pending.at(0)->terms), job.terms) << "the priority put it first";
  const auto claimed = claim();
  ASSERT_EQ(claimed->job.id, "a");
  EXPECT_EQ(claimed->job.terms, job.terms);
  JobResult result = success();
  result.events = "[1]";
  run(broker_->finish(claimed->claim, result));
  open();
  EXPECT_EQ(JobTerms::of(run(broker_->history_of("local", "a"))->terms), job.terms);
  EXPECT_EQ(run(broker_->history_of("local", "a"))->events, "[1]");
  const auto page = run(broker_->jobs("local", {}));
  ASSERT_EQ(page.jobs.size(), 2u);
  for (const ListedJob& listed : page.jobs) EXPECT_EQ(JobTerms::of(listed.terms).labels.size(), listed.id == "a" ? 1u : 0u);
}

TEST_P(BrokerConformance, AJobOfTheQueueIsFoundByItsId) {
  submit(make_job("a", 1));
  submit(make_job("b", 2));
  claim();
  ASSERT_TRUE(broker_->queued("local", "a"));
  EXPECT_TRUE(broker_->queued("local", "a")->running);
  EXPECT_FALSE(broker_->queued("local", "b")->running);
  EXPECT_EQ(broker_->queued("local", "b")->job->ticket, broker_->order().at(0));
  EXPECT_FALSE(broker_->queued("ann", "a"));
  EXPECT_FALSE(broker_->queued("local", "c"));
}

TEST_P(BrokerConformance, ASubmissionKeyMakesOneJob) {
  const SubmissionKey key("/prompt", "k", "content");
  const auto taken = [&](Job job, SubmissionKey with) {
    job.create_time = now_ms();
    try {
      run(broker_->submit(std::move(job), std::move(with)));
    } catch (const KeyTaken& found) {
      return found.use.job_id;
    }
    return std::string();
  };
  EXPECT_EQ(taken(make_job("first", 1), key), "");
  EXPECT_EQ(taken(make_job("second", 2), key), "first");
  open();
  EXPECT_EQ(taken(make_job("second", 2), key), "first") << "a restart forgets nothing";
  const auto use = run(broker_->key_use("local", "/prompt", "k"));
  ASSERT_TRUE(use);
  EXPECT_EQ(use->fingerprint, "content");
  EXPECT_EQ(dump(use->number), "1");
  EXPECT_FALSE(run(broker_->key_use("local", "/other", "k")));
  EXPECT_EQ(taken(make_job("other route", 3), SubmissionKey("/other", "k", "")), "");
  Job others = make_job("other user", 4);
  others.owner = "ann";
  EXPECT_EQ(taken(others, key), "");
  EXPECT_EQ(broker_->counts().pending, 3u);
}

TEST_P(BrokerConformance, ASubmissionKeyIsForgottenAfterADay) {
  Job job = make_job("old", 1);
  job.create_time = now_ms() - kKeyLifeMs - 1;
  run(broker_->submit(job, SubmissionKey("/prompt", "k", "")));
  EXPECT_FALSE(run(broker_->key_use("local", "/prompt", "k")));
  job.id = "young";
  job.create_time = now_ms();
  run(broker_->submit(job, SubmissionKey("/prompt", "k", "")));
  EXPECT_EQ(run(broker_->key_use("local", "/prompt", "k"))->job_id, "young");
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

TEST_P(BrokerConformance, AUserHasALimitedNumberOfWaitingJobs) {
  open({.user_waiting = 2});
  for (int i = 0; i < 2; ++i) submit(make_job("a" + std::to_string(i), i, "c", "anna"));
  EXPECT_THROW(submit(make_job("over", 2, "other", "anna")), UserQueueFull);
  for (int i = 0; i < 5; ++i) submit(make_job("l" + std::to_string(i), 10 + i));
  submit(make_job("b", 20, "c", "bob"));
  EXPECT_EQ(broker_->counts_of("anna").pending, 2u);
  EXPECT_EQ(claim()->job.owner, "anna");
  submit(make_job("a2", 21, "c", "anna"));
  EXPECT_THROW(submit(make_job("over", 22, "c", "anna")), UserQueueFull);
  EXPECT_EQ(run(broker_->clear_pending("anna")), 2u);
  submit(make_job("a3", 23, "c", "anna"));
}

TEST_P(BrokerConformance, AUserRunsALimitedNumberOfJobs) {
  open({.user_running = 1});
  for (int i = 0; i < 3; ++i) submit(make_job("a" + std::to_string(i), i, "c", "anna"));
  submit(make_job("b", 3, "c", "bob"));
  submit(make_job("l0", 4));
  submit(make_job("l1", 5));
  const Claim first = claim()->claim;
  EXPECT_EQ(broker_->counts_of("anna").running, 1u);
  EXPECT_EQ(claim_id(), "b");
  EXPECT_EQ(claim_id(), "l0");
  EXPECT_EQ(claim_id(), "l1") << "whoever runs the server has no limit";
  EXPECT_EQ(claim_id(), "") << "anna's others wait";
  EXPECT_EQ(run(broker_->queue("anna")).pending.size(), 2u) << "and are shown";
  EXPECT_EQ(broker_->order().size(), 2u);
  EXPECT_TRUE(run(broker_->finish(first, success())));
  const auto second = claim();
  EXPECT_EQ(second->job.id, "a1");
  EXPECT_TRUE(run(broker_->hand_back(second->claim)));
  EXPECT_EQ(claim_id(), "a1");
}

// Where others wait too, a number that a user chose is one among its own jobs.
TEST_P(BrokerConformance, ANumberOfOnesOwnTakesNobodysTurn) {
  submit(make_job("a", 5, "c", "anna"));
  Job front = make_job("b1", 0, "c", "bob");
  front.number = -7;
  submit(make_job("b0", 6, "c", "bob"));
  submit(std::move(front));
  for (const double number : {-8.0, -9.0}) {
    Job more = make_job("b" + std::to_string(static_cast<int>(-number)), 0, "c", "bob");
    more.number = number;
    submit(std::move(more));
  }
  EXPECT_EQ(claim_id(), "a");
  for (const char* id : {"b9", "b8", "b1", "b0"}) EXPECT_EQ(claim_id(), id);
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
