#include "broker/tests/store_fixture.hpp"
#include "broker/webhook_message.hpp"

namespace darkroom {
namespace {

class Webhooks : public StoreTest {
 protected:
  void open(std::size_t most = kMaxWebhooks) {
    reopen(most);
    broker_->webhooks().on_message([this](WebhookMessage message) { told_.push_back(message.url); });
  }
  void submit(const std::string& id, const std::string& webhook = "https://example.org/hook", const std::string& owner = "local") {
    Job job;
    job.id = id;
    job.owner = owner;
    job.number = 0;
    job.terms.webhook = webhook;
    run(broker_->submit(std::move(job)));
  }
  void finish(JobResult result = {}) {
    const auto claimed = run(broker_->claim(std::chrono::seconds(30)));
    ASSERT_TRUE(claimed);
    EXPECT_TRUE(run(broker_->finish(claimed->claim, std::move(result))));
  }
  std::vector<WebhookMessage> waiting() { return run(broker_->webhooks().waiting()); }
  json::object body_of(const WebhookMessage& message) { return parse_json(run(broker_->webhooks().body(message.seq)).value()).as_object(); }

  std::vector<std::string> told_;
};

TEST_F(Webhooks, EveryEndIsStoredWithItsJob) {
  open();
  for (const char* id : {"ends", "fails", "is deleted", "is cancelled"}) submit(id);
  submit("without", "");
  finish();
  JobResult failed{.status = "error", .completed = false};
  failed.messages.push_back(
      json::array{"execution_error", json::object{{"node_id", "4"}, {"exception_message", "out"}, {"traceback", json::array{"secret"}}}});
  finish(std::move(failed));
  run(broker_->delete_pending("local", {"is deleted"}));
  JobResult cancelled{.status = "error", .completed = false, .cancelled = true};
  EXPECT_TRUE(run(broker_->cancel_pending("local", "is cancelled", std::move(cancelled))));
  finish();
  EXPECT_EQ(told_.size(), 4u);
  open();
  const auto messages = waiting();
  ASSERT_EQ(messages.size(), 4u);
  const char* const types[] = {"job.succeeded", "job.failed", "job.cancelled", "job.cancelled"};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(string_or(body_of(messages[i]), "type", ""), types[i]);
    EXPECT_EQ(messages[i].tries, 0);
    EXPECT_TRUE(messages[i].id.starts_with("msg_"));
  }
  EXPECT_EQ(string_or(body_of(messages[2]), "id", ""), "is deleted");
  const json::object error = body_of(messages[1]).at("error").as_object();
  EXPECT_EQ(string_or(error, "node_id", ""), "4");
  EXPECT_FALSE(error.contains("traceback"));
}

TEST_F(Webhooks, TriesAreKeptUntilItIsOver) {
  open();
  submit("a");
  submit("b");
  finish();
  finish();
  auto messages = waiting();
  ASSERT_EQ(messages.size(), 2u);
  run(broker_->webhooks().tried(messages[0].seq, 3, 12345));
  run(broker_->webhooks().forget(messages[1].seq));
  open();
  messages = waiting();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].tries, 3);
  EXPECT_EQ(messages[0].next_try, 12345);
  EXPECT_FALSE(run(broker_->webhooks().body(99)));
}

TEST_F(Webhooks, ALimitedNumberWaits) {
  open(2);
  for (const char* id : {"a", "b", "c", "d"}) submit(id);
  for (int i = 0; i < 3; ++i) finish();
  ASSERT_EQ(waiting().size(), 2u);
  EXPECT_EQ(run(broker_->history("local", std::nullopt, -1)).size(), 3u) << "jobs end all the same";
  run(broker_->webhooks().forget(waiting().front().seq));
  finish();
  EXPECT_EQ(waiting().size(), 2u);
}

TEST_F(Webhooks, AUserLeavesRoomForOthers) {
  open(30);
  for (const char* id : {"a", "b", "c", "d"}) submit(id, "https://example.org/hook", "anna");
  submit("e", "https://example.org/hook", "ben");
  for (int i = 0; i < 5; ++i) finish();
  const auto owners = [&] {
    std::string all;
    for (const auto& message : waiting()) all += message.owner.front();
    std::ranges::sort(all);
    return all;
  };
  EXPECT_EQ(owners(), "aaab") << "a tenth of all for each";
  open(30);
  submit("f", "https://example.org/hook", "anna");
  finish();
  EXPECT_EQ(owners(), "aaab") << "also after a restart";
  for (const auto& message : waiting())
    if (message.owner == "anna") run(broker_->webhooks().forget(message.seq));
  submit("g", "https://example.org/hook", "anna");
  finish();
  EXPECT_EQ(owners(), "ab");
}

TEST(WebhookMessage, FilesHaveAddresses) {
  JobResult result;
  result.outputs["7"] = json::object{{"images", json::array{json::object{{"filename", "a b.png"}, {"subfolder", "x"}, {"type", "output"}}}},
                                     {"text", json::array{"word"}}};
  const WebhookSubject job{.owner = "anna", .id = "job", .url = "https://example.org/", .ticket = 1, .create_time = 2};
  const WebhookMessage message = webhook_message(job, result, 5);
  const json::object body = parse_json(message.body).as_object();
  EXPECT_EQ(string_or(body, "status", ""), "completed");
  EXPECT_EQ(body.at("outputs").at("7").at("images").at(0).at("url"), "/view?filename=a%20b.png&subfolder=x&type=output");
  EXPECT_EQ(body.at("outputs").at("7").at("text").at(0), "word");
  EXPECT_TRUE(body.at("error").is_null());
  EXPECT_EQ(message.body.find("anna"), std::string::npos);
  EXPECT_EQ(webhook_message(job, result, 9).id, message.id) << "it can be told when it comes twice";
}

TEST(WebhookMessage, LongOutputsAreLeftOut) {
  const WebhookSubject job{.owner = "local", .id = "job", .url = "https://example.org/", .ticket = 1, .create_time = 2};
  JobResult result;
  result.outputs["1"] = json::object{{"text", ""}};
  const std::size_t rest = dump(result.outputs).size();
  result.outputs["1"] = json::object{{"text", std::string(kMaxWebhookOutputs - rest, 'x')}};
  EXPECT_TRUE(parse_json(webhook_message(job, result, 5).body).at("outputs").is_object());
  result.outputs["1"] = json::object{{"text", std::string(kMaxWebhookOutputs - rest + 1, 'x')}};
  const json::value body = parse_json(webhook_message(job, result, 5).body);
  EXPECT_TRUE(body.at("outputs").is_null());
  EXPECT_EQ(body.at("outputs_omitted"), true);
}

}  // namespace
}  // namespace darkroom
