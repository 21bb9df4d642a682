// What packs may use of the worker (PackLink), and what the gateway asks of packs while nodes compute.

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "worker/failure.hpp"
#include "worker/worker.hpp"

namespace darkroom {
namespace {

/// Limit: time for the gateway to answer a pack's question (its queue), ms. Beyond: an error where it was asked. Fixed: it answers within
/// milliseconds. Edge: WorkerLink.AQuestionToTheGatewayHasItsTime.
constexpr std::chrono::milliseconds kAskTime{2000};
/// Limit: questions to packs that are under way at once in a worker. Beyond: they are answered with an error. Fixed: each is a thread. Edge:
/// WorkerLink.QuestionsToPacksAreCounted.
constexpr std::size_t kMostAsked = 64;

/// Classes that are being asked what they take, and since when.
class Asking {
 public:
  /// Nothing for a class that somebody has been waiting for so long that it is not asked again.
  std::optional<int> begin(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (std::ranges::any_of(open_, [&](const auto& one) { return one.second.first == name && now - one.second.second > kSlow; })) return std::nullopt;
    open_.emplace(++last_, std::pair(name, now));
    return last_;
  }
  void end(int number) {
    const std::scoped_lock lock(mutex_);
    open_.erase(number);
  }

 private:
  /// Limit: time for which a class that does not say what it takes is asked by others too, ms. Beyond: it counts as slow at once. Fixed: less than
  /// a question has. Edge: test_python_engine.py::test_inputs_are_asked_anew.
  static constexpr std::chrono::milliseconds kSlow{4000};
  std::mutex mutex_;
  int last_ = 0;
  std::map<int, std::pair<std::string, std::chrono::steady_clock::time_point>> open_;
};

/// {"schemas": of `classes` as they are now, "slow": those that did not say in time when they were asked last}; a class that can't say is left out.
json::object schemas_now(const Registry& registry, const json::object& data) {
  static Asking asking;
  json::array schemas, slow;
  const auto* names = find_array(data, "classes");
  for (const auto& name : names ? *names : json::array()) {
    const NodeClassPtr node_class = name.is_string() ? registry.find(name.get_string()) : nullptr;
    if (!node_class || !node_class->schema_now) continue;
    const auto number = asking.begin(node_class->schema.node_class());
    if (!number) {
      slow.push_back(name);
      continue;
    }
    try {
      schemas.push_back(node_class->schema_now().to_wire());
    } catch (const std::exception& error) {
      log::warn("what {} takes can't be told: {}", std::string_view(name.get_string()), error.what());
    }
    asking.end(*number);
  }
  return {{"schemas", std::move(schemas)}, {"slow", std::move(slow)}};
}

}  // namespace

void Worker::send(std::string type, json::value data, std::optional<std::string> sid) {
  Record record{"message", {{"type", std::move(type)}, {"data", std::move(data)}}, {}};
  if (sid) record.data["sid"] = std::move(*sid);
  outbox_.send(std::move(record));
}

void Worker::send_binary(std::uint32_t event, std::string bytes, std::optional<std::string> sid) {
  Record record{"binary", {{"number", event}}, std::move(bytes)};
  if (sid) record.data["sid"] = std::move(*sid);
  outbox_.send(std::move(record));
}

std::string Worker::ask(json::object question) {
  std::future<std::string> reply;
  std::int64_t id = 0;
  {
    const std::scoped_lock lock(questions_mutex_);
    id = next_question_++;
    reply = questions_[id].get_future();
  }
  question["id"] = id;
  outbox_.send(Record{"question", std::move(question), {}});
  if (reply.wait_for(kAskTime) == std::future_status::ready) return reply.get();
  const std::scoped_lock lock(questions_mutex_);
  questions_.erase(id);
  throw Unavailable("the gateway did not answer in time");
}

PackLink::Running Worker::running() const {
  const std::scoped_lock lock(mutex_);
  return shown_;
}

void Worker::interrupt() {
  const std::scoped_lock lock(mutex_);
  if (running_.empty()) return;
  running_cancelled_ = true;
  interrupt_ = true;
}

/// Waits until it is written: the pack may end the process at once.
void Worker::importing(const std::string& pack) {
  constexpr int kTries = 2000;
  const std::uint64_t before = written_out_;
  outbox_.send(Record{"importing", {{"pack", pack}}, {}});
  for (int i = 0; i < kTries && written_out_ == before; ++i) std::this_thread::sleep_for(std::chrono::microseconds(100));
}

void Worker::take_reply(const json::object& data) {
  const std::scoped_lock lock(questions_mutex_);
  const auto at = questions_.find(int_or(data, "id", 0));
  if (at == questions_.end()) return;
  at->second.set_value(string_or(data, "result", ""));
  questions_.erase(at);
}

/// What classes of packs take has changed: counts for the jobs that follow.
void Worker::change_classes(const json::object& data) {
  const auto* list = find_array(data, "schemas");
  for (const auto& wire : list ? *list : json::array())
    post([this, schema = NodeSchema::from_wire(wire.as_object())] { registry_.change(schema); });
}

/// On a thread of its own, also while a node computes: a pack's validator may take its time, and pings are to be answered.
void Worker::answer(json::object data) {
  std::erase_if(asked_, [](const Asked& asked) { return asked.done->load(); });
  if (asked_.size() >= kMostAsked) {
    outbox_.send(Record{"answer", {{"id", data.contains("id") ? data.at("id") : json::value()}, {"error", json::object{{"type", "TimeoutError"}, {"message", "too many questions to packs are unanswered"}}}}, {}});
    return;
  }
  auto done = std::make_shared<std::atomic<bool>>(false);
  asked_.push_back({done, std::jthread([this, done, data = std::move(data)] {
                      outbox_.send(answer_to(data));
                      *done = true;
                    })});
}

Record Worker::answer_to(const json::object& data) const {
  Record reply{"answer", {{"id", data.contains("id") ? data.at("id") : json::value()}}, {}};
  try {
    const std::string what = string_or(data, "what", "");
    if (what == "prompt_hook" && registry_.prompt_hook && data.contains("body")) {
      reply.data["result"] = registry_.prompt_hook(data.at("body"));
      return reply;
    }
    if (what == "schemas") {
      reply.data["result"] = schemas_now(registry_, data);
      return reply;
    }
    if (what != "validate") throw InvalidInput("nobody answers to " + what);
    const std::string name = string_or(data, "class", "");
    const NodeClassPtr node_class = registry_.find(name);
    if (!node_class || !node_class->validate) throw NotFound("the class " + name + " has no validator");
    Inputs inputs;
    if (const auto* given = find_object(data, "inputs"))
      for (const auto& [key, value] : *given) inputs.set(std::string(key), Value::from_json(value));
    const auto* types = find_object(data, "types");
    reply.data["result"] = node_class->validate(inputs, types ? *types : json::object{});
  } catch (...) {
    Failure failure = describe_failure(std::current_exception());
    if (failure.message.ends_with('\n')) failure.message.pop_back();
    reply.data["error"] = json::object{{"type", failure.type}, {"message", failure.message}};
  }
  return reply;
}

}  // namespace darkroom
