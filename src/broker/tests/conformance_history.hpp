#pragma once
// Conformance of brokers: what remains of jobs, and the list of all of them.

#include "broker/tests/conformance_bench.hpp"

namespace darkroom {

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

TEST_P(BrokerConformance, FilesThatHistoriesNameAreKnown) {
  run_one("plain", 0);
  JobResult previews = success();
  previews.outputs = {{"7", json::object{{"images", json::array{json::object{{"filename", "b.png"}, {"subfolder", "s/t"}, {"type", "temp"}},
                                                                 json::object{{"filename", "c.png"}, {"subfolder", ""}, {"type", "temp"}}}},
                                         {"text", json::array{"\"type\":\"temp\""}}}}};
  submit(make_job("previews", 1));
  EXPECT_TRUE(run(broker_->finish(claim()->claim, previews)));
  using Names = std::unordered_set<std::string>;
  EXPECT_EQ(run(broker_->named_files("temp"))["local"], (Names{"s/t/b.png", "c.png"}));
  EXPECT_EQ(run(broker_->named_files("output")), (NamedFiles{{"local", {"a.png"}}}));
  EXPECT_EQ(run(broker_->named_files("input")), NamedFiles{});
  run(broker_->delete_history("local", {"previews"}));
  EXPECT_EQ(run(broker_->named_files("temp"))["local"], Names{});
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

TEST_P(BrokerConformance, AUsersJobsDriveOutNobodyElsesHistory) {
  open({.max_history = 4});
  const auto run_for = [&](const std::string& owner, const std::string& id, std::int64_t number) {
    submit(make_job(id, number, "c", owner));
    EXPECT_TRUE(run(broker_->finish(claim()->claim, success())));
  };
  const auto ids_of = [&](const std::string& owner) {
    Ids ids;
    for (const auto& entry : run(broker_->history(owner, {}, -1))) ids.push_back(entry.id);
    return ids;
  };
  run_for("anna", "a", 0);
  for (int i = 0; i < 8; ++i) run_for("bob", "b" + std::to_string(i), 1 + i);
  EXPECT_EQ(ids_of("anna"), Ids{"a"});
  EXPECT_EQ(ids_of("bob"), (Ids{"b5", "b6", "b7"}));
  run(broker_->clear_history("bob"));
  for (int i = 0; i < 3; ++i) run_for("anna", "n" + std::to_string(i), 20 + i);
  EXPECT_EQ(ids_of("anna").size(), 4u);
  open({.max_history = 2});
  run_for("bob", "last", 30);
  EXPECT_EQ(ids_of("anna").size() + ids_of("bob").size(), 2u);
  EXPECT_EQ(ids_of("bob"), Ids{"last"});
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

}  // namespace darkroom
