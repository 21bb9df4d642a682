// The worker over a socketpair, as the gateway sees it (messages/wire.hpp).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "testing.hpp"
#include "worker/worker.hpp"

namespace darkroom::testing_nodes {
namespace {

/// The gateway's end of a link to a worker that runs on a thread of this process.
class Gateway {
 public:
  explicit Gateway(Registry& registry, Worker::LoadPacks load_packs = {}, int door = -1) {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ours_ = pair[0];
    theirs_ = pair[1];
    thread_ = std::thread([this, &registry, load_packs, door] { status_ = Worker(theirs_, registry, {}, load_packs, door).run(); });
  }
  ~Gateway() { close(); }

  void close() {
    if (ours_ >= 0) ::close(std::exchange(ours_, -1));
    if (thread_.joinable()) thread_.join();
    if (theirs_ >= 0) ::close(std::exchange(theirs_, -1));
  }
  int wait_for_exit() {
    thread_.join();
    return status_;
  }

  void send(std::string kind, json::object data) {
    const std::string bytes = encode(Record{std::move(kind), std::move(data), {}});
    ASSERT_EQ(::send(ours_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  void run(const char* graph, std::vector<std::string> outputs, std::string id = "job") {
    Job job = Bench::job(graph, std::move(outputs));
    job.id = std::move(id);
    job.attempt = 1;
    send("run", {{"job", job.to_json()}});
  }
  /// The next record, or one of kind "" after five seconds.
  Record next() {
    for (;;) {
      if (auto record = reader_.next()) return std::move(*record);
      pollfd ready{ours_, POLLIN, 0};
      if (::poll(&ready, 1, 5000) <= 0) return {};
      char bytes[65536];
      const auto got = ::recv(ours_, bytes, sizeof bytes, 0);
      if (got <= 0) return {};
      reader_.feed(std::string_view(bytes, static_cast<std::size_t>(got)));
    }
  }
  /// Skips to a record of this kind, or to an event of this name.
  Record until(const std::string& what) {
    for (;;) {
      Record record = next();
      if (record.kind.empty() || record.kind == what || string_or(record.data, "event", "") == what) return record;
    }
  }

 private:
  int ours_ = -1, theirs_ = -1, status_ = -1;
  std::thread thread_;
  RecordReader reader_;
};

class WorkerLink : public ::testing::Test {
 protected:
  WorkerLink() {
    add_common_nodes(registry);
    add(registry, schema("Slow").input("value", Any{}).output("*"), [](const Inputs& in, Context& context) {
      for (int i = 1; i <= 2000; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        context.progress(i, 2000, "JPEG", "picture");
      }
      return Outputs{in.at("value")};
    });
    add(registry, schema("Previews").input("n", Int{}).output_node(), [](const Inputs&, Context& context) {
      context.text(std::string(context.preview_method()) + " " + std::to_string(context.preview_size()));
      return Outputs();
    });
    NodeClass checked = add(registry, schema("Checked").input("n", Int{}).output_node(), [](const Inputs&, Context&) { return Outputs(); });
    checked.validate = [](const Inputs& in, const json::object& types) -> json::value {
      if (types.contains("n")) return json::value("typed " + string_or(types, "n", ""));
      if (in.integer("n") == 7) throw NamedError("RuntimeError", "validator broke");
      return in.integer("n") < 3;
    };
    registry.add(checked);
  }
  static constexpr const char* kQuick = R"({"1": ["Value", {"value": 1}], "2": ["Show", {"value": ["1", 0]}]})";
  static constexpr const char* kSlow = R"({"1": ["Slow", {"value": 1}], "2": ["Quiet", {"value": ["1", 0]}]})";
  Registry registry;
};

TEST_F(WorkerLink, SaysHelloAndRunsAJob) {
  Gateway gateway(registry);
  const Record hello = gateway.next();
  EXPECT_EQ(hello.kind, "hello");
  EXPECT_EQ(int_or(hello.data, "pid", 0), ::getpid());
  EXPECT_EQ(string_or(*find_object(hello.data, "device"), "type", ""), "cpu");
  const Record schemas = gateway.next();
  EXPECT_EQ(schemas.kind, "schemas");
  EXPECT_NE(SchemaSet::from_wire(schemas.data.at("schemas").as_array()).find("Show"), nullptr);

  gateway.run(kQuick, {"2"});
  std::string events;
  for (;;) {
    const Record record = gateway.next();
    ASSERT_EQ(record.kind, "event");
    EXPECT_EQ(string_or(record.data, "job", ""), "job");
    EXPECT_EQ(int_or(record.data, "attempt", 0), 1);
    events += string_or(record.data, "event", "") + " ";
    if (events.ends_with("succeeded ")) break;
  }
  EXPECT_EQ(events, "started cached node_started node_finished node_started executed node_finished succeeded ");
}

TEST_F(WorkerLink, QuestionsToPacksAreCounted) {
  constexpr int kMost = 64;
  std::promise<void> release;
  const auto released = release.get_future().share();
  Gateway gateway(registry, [&](Registry& classes, const Folders&, PackLink&) {
    NodeClass slow = *classes.find("Value");
    slow.schema_now = [released, schema = slow.schema] {
      released.wait();
      return schema;
    };
    classes.add(std::move(slow));
  });
  gateway.send("configure", {});
  EXPECT_EQ(gateway.next().kind, "hello");
  EXPECT_EQ(gateway.next().kind, "schemas");
  for (int i = 0; i <= kMost; ++i) gateway.send("ask", {{"id", i}, {"what", "schemas"}, {"classes", json::array{"Value"}}});
  const Record refused = gateway.next();
  EXPECT_EQ(int_or(refused.data, "id", -1), kMost);
  EXPECT_TRUE(refused.data.contains("error"));
  release.set_value();
  for (int i = 0; i < kMost; ++i) EXPECT_TRUE(gateway.next().data.contains("result"));
}

TEST_F(WorkerLink, PacksAreToldWhatRuns) {
  PackLink* link = nullptr;
  Gateway gateway(registry, [&](Registry& classes, const Folders&, PackLink& given) {
    link = &given;
    classes.prompt_hook = [](const json::value& body) { return body; };
    given.importing("a pack");
  });
  gateway.send("configure", {});
  const Record importing = gateway.next();
  EXPECT_EQ(importing.kind, "importing");
  EXPECT_EQ(string_or(importing.data, "pack", ""), "a pack");
  EXPECT_EQ(gateway.next().kind, "hello");
  EXPECT_EQ(link->running().prompt, "");
  gateway.run(R"({"1": ["Value", {"value": 1}], "2": ["Show", {"value": ["1", 0]}]})", {"2"}, "the job");
  while (string_or(gateway.next().data, "event", "") != "succeeded") {}
  EXPECT_EQ(link->running().prompt, "the job");
  EXPECT_EQ(link->running().node, "");
  EXPECT_FALSE(link->interrupted());
  link->interrupt();  // nothing runs, or what has just told its end
  for (int i = 0; i < 1000 && link->interrupted(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(link->interrupted());
}

TEST_F(WorkerLink, AQuestionToTheGatewayHasItsTime) {
  PackLink* link = nullptr;
  Gateway gateway(registry, [&](Registry&, const Folders&, PackLink& given) { link = &given; });
  gateway.send("configure", {});
  EXPECT_EQ(gateway.next().kind, "hello");
  EXPECT_EQ(gateway.next().kind, "schemas");
  auto answered = std::async(std::launch::async, [&] { return link->ask({{"what", "queue"}}); });
  const Record question = gateway.next();
  EXPECT_EQ(question.kind, "question");
  EXPECT_EQ(string_or(question.data, "what", ""), "queue");
  gateway.send("reply", {{"id", question.data.at("id")}, {"result", "{}"}});
  EXPECT_EQ(answered.get(), "{}");
  EXPECT_THROW(link->ask({{"what", "queue"}}), Unavailable);  // nobody answers
  gateway.send("reply", {{"id", gateway.next().data.at("id")}, {"result", "late"}});  // and then nobody waits
}

TEST_F(WorkerLink, PacksAnnounceThemselvesAndSpeakOutsideOfJobs) {
  PackLink* link = nullptr;
  Gateway gateway(
      registry,
      [&](Registry&, const Folders&, PackLink& given) {
        link = &given;
        given.announce({{"packs", json::array{"p"}}, {"door", given.door()}});
      },
      77);
  gateway.send("configure", {});
  const Record hello = gateway.next();
  EXPECT_EQ(hello.kind, "hello");
  EXPECT_EQ(hello.data.at("packs"), json::array{"p"});
  EXPECT_EQ(int_or(hello.data, "door", 0), 77);
  EXPECT_EQ(gateway.next().kind, "schemas");
  link->send("said", json::array{1}, "a");
  link->send("said", nullptr, std::nullopt);
  link->send_binary(9, "bytes", "b");
  const Record one = gateway.next(), all = gateway.next(), binary = gateway.next();
  EXPECT_EQ(one.kind, "message");
  EXPECT_EQ(dump(json::value(one.data)), R"({"type":"said","data":[1],"sid":"a"})");
  EXPECT_EQ(dump(json::value(all.data)), R"({"type":"said","data":null})");
  EXPECT_EQ(binary.kind, "binary");
  EXPECT_EQ(binary.bytes, "bytes");
  EXPECT_EQ(dump(json::value(binary.data)), R"({"number":9,"sid":"b"})");
}

TEST_F(WorkerLink, AnswersWhileANodeComputes) {
  Gateway gateway(registry);
  gateway.run(kSlow, {"2"});
  const Record progress = gateway.until("progress");
  EXPECT_EQ(progress.bytes, "picture");
  gateway.send("ping", {});
  EXPECT_GT(int_or(gateway.until("pong").data, "rss", 0), 1 << 20);
  const auto ask = [&](std::int64_t id, json::object inputs, json::object types) {
    gateway.send("ask", {{"id", id}, {"what", "validate"}, {"class", "Checked"}, {"inputs", std::move(inputs)}, {"types", std::move(types)}});
    Record record = gateway.until("answer");
    EXPECT_EQ(int_or(record.data, "id", -1), id);
    record.data.stable_erase("id");
    return dump(json::value(record.data));
  };
  EXPECT_EQ(ask(1, {{"n", 1}}, {}), R"({"result":true})");
  EXPECT_EQ(ask(2, {{"n", 5}}, {}), R"({"result":false})");
  EXPECT_EQ(ask(3, {{"n", nullptr}}, {{"n", "IMAGE"}}), R"({"result":"typed IMAGE"})");
  EXPECT_EQ(ask(4, {{"n", 7}}, {}), R"({"error":{"type":"RuntimeError","message":"validator broke"}})");

  gateway.send("cancel", {{"job", "another"}});
  gateway.send("cancel", {{"job", "job"}});
  EXPECT_EQ(string_or(gateway.until("interrupted").data, "node", ""), "1");
  gateway.run(kQuick, {"2"}, "next");
  EXPECT_EQ(gateway.until("succeeded").kind, "event");
}

TEST_F(WorkerLink, ACancelBeforeTheTurnOfAJobCounts) {
  Gateway gateway(registry);
  gateway.run(kSlow, {"2"}, "first");
  gateway.until("progress");
  gateway.run(kQuick, {"2"}, "second");
  gateway.send("cancel", {{"job", "second"}});
  gateway.send("cancel", {{"job", "first"}});
  EXPECT_EQ(string_or(gateway.until("interrupted").data, "job", ""), "first");
  EXPECT_EQ(string_or(gateway.until("interrupted").data, "job", ""), "second");
}

TEST_F(WorkerLink, AStopHandsJobsBack) {
  Gateway gateway(registry);
  gateway.run(kSlow, {"2"}, "running");
  gateway.until("progress");
  gateway.run(kQuick, {"2"}, "waiting");
  gateway.send("stop", {});
  const Record first = gateway.until("handed_back"), second = gateway.until("handed_back");
  EXPECT_EQ(string_or(first.data, "job", ""), "running");
  EXPECT_EQ(int_or(first.data, "attempt", 0), 1);
  EXPECT_EQ(string_or(second.data, "job", ""), "waiting");
  EXPECT_EQ(gateway.wait_for_exit(), 0);
}

TEST_F(WorkerLink, EndsWhenTheSocketCloses) {
  Gateway gateway(registry);
  gateway.run(kSlow, {"2"});
  gateway.until("progress");
  gateway.close();  // joins the worker's thread: a worker that stays would hang this test
}

TEST_F(WorkerLink, ConfiguresAndFrees) {
  Gateway gateway(registry);
  gateway.send("configure", {{"cache", "none"}, {"precision", "fp32"}, {"verbose", "ERROR"}});
  gateway.run(kQuick, {"2"}, "a");
  gateway.until("succeeded");
  gateway.run(kQuick, {"2"}, "b");
  EXPECT_TRUE(find_array(gateway.until("cached").data, "nodes")->empty());
  gateway.until("succeeded");
  gateway.send("configure", {{"cache", "classic"}, {"verbose", "ERROR"}});
  gateway.run(kQuick, {"2"}, "c");
  gateway.until("succeeded");
  gateway.run(kQuick, {"2"}, "d");
  EXPECT_EQ(find_array(gateway.until("cached").data, "nodes")->size(), 2u);
  gateway.until("succeeded");
  gateway.send("free", {{"free_memory", true}});
  gateway.run(kQuick, {"2"}, "e");
  EXPECT_TRUE(find_array(gateway.until("cached").data, "nodes")->empty());
  gateway.until("succeeded");
}

TEST_F(WorkerLink, ConfiguresWhatNodesAsk) {
  Gateway gateway(registry);
  gateway.run(R"({"1": ["Previews", {"n": 1}]})", {"1"}, "a");
  EXPECT_EQ(string_or(gateway.until("text").data, "text", ""), "none 512");
  gateway.send("configure", {{"preview_method", "taesd"}, {"preview_size", 256}, {"verbose", "ERROR"}});
  gateway.run(R"({"1": ["Previews", {"n": 2}]})", {"1"}, "b");  // another one: nothing is cached of it
  EXPECT_EQ(string_or(gateway.until("text").data, "text", ""), "taesd 256");
}

TEST_F(WorkerLink, KeepsAllResultsWhileMemoryIsFree) {
  Gateway gateway(registry);
  constexpr const char* kOther = R"({"1": ["Value", {"value": 2}], "2": ["Show", {"value": ["1", 0]}]})";
  const auto cached = [&](const char* graph, const char* id) {
    gateway.run(graph, {"2"}, id);
    const std::size_t count = find_array(gateway.until("cached").data, "nodes")->size();
    gateway.until("succeeded");
    return count;
  };
  gateway.send("configure", {{"cache", "ram"}, {"cache_size", 1}, {"verbose", "ERROR"}});
  EXPECT_EQ(cached(kQuick, "a"), 0u);
  EXPECT_EQ(cached(kOther, "b"), 0u);
  EXPECT_EQ(cached(kQuick, "c"), 2u) << "over the prompt between them";
  gateway.send("configure", {{"cache", "ram"}, {"cache_size", std::int64_t{1} << 60}, {"verbose", "ERROR"}});
  std::this_thread::sleep_for(std::chrono::milliseconds(150));  // memory is looked at ten times a second
  cached(kQuick, "d");
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  cached(kOther, "e");
  EXPECT_LT(cached(kQuick, "f"), 2u) << "so much is never free: results are dropped";
}

TEST_F(WorkerLink, AJobThatCanNotBeReadFails) {
  Gateway gateway(registry);
  gateway.send("run", {{"job", json::object{{"id", "odd"}, {"attempt", 3}, {"outputs", json::array{7}}}}});
  gateway.until("started");
  const Record failed = gateway.until("failed");
  EXPECT_EQ(string_or(failed.data, "job", ""), "odd");
  EXPECT_EQ(int_or(failed.data, "attempt", 0), 3);
  gateway.run(kQuick, {"2"}, "next");
  EXPECT_EQ(string_or(gateway.until("succeeded").data, "job", ""), "next");
}

TEST_F(WorkerLink, RecordsThatMakeNoSenseChangeNothing) {
  Gateway gateway(registry);
  gateway.next();
  gateway.send("no_such_kind", {});
  gateway.send("run", {});
  gateway.run(kQuick, {"2"});
  EXPECT_EQ(gateway.until("succeeded").kind, "event");
}

}  // namespace
}  // namespace darkroom::testing_nodes
