#pragma once
// For the tests of this folder: node classes made of a schema and a function, and the events of a job as lines of text.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "worker/executor.hpp"
#include "worker/graph_builder.hpp"
#include "worker/node.hpp"

namespace darkroom::testing_nodes {

using Run = std::function<Outputs(const Inputs&, Context&)>;
using Wants = std::function<std::vector<std::string>(const Inputs&)>;

class FunctionNode final : public Node {
 public:
  FunctionNode(Run run, Wants wants) : run_(std::move(run)), wants_(std::move(wants)) {}
  Outputs run(const Inputs& in, Context& context) override { return run_(in, context); }
  std::vector<std::string> wants(const Inputs& in) override { return wants_ ? wants_(in) : std::vector<std::string>{}; }

 private:
  Run run_;
  Wants wants_;
};

inline NodeClass& add(Registry& registry, NodeSchema schema, Run run, Wants wants = {}) {
  static NodeClass entry;
  entry = NodeClass{};
  entry.schema = std::move(schema);
  entry.make = [run = std::move(run), wants = std::move(wants)] { return std::make_unique<FunctionNode>(run, wants); };
  registry.add(entry);
  return entry;
}

inline NodeSchema schema(const char* name) { return NodeSchema(name, Form::kV1); }

/// The classes that most graphs of the tests are made of; defined below.
inline void add_common_nodes(Registry& registry);

/// What happened in a job, one line an event: `start 1`, `executed 2 {"text":["3"]}`, `finish 1`, `failed 3 ValueError: boom`.
class EventLog {
 public:
  EventSink sink() {
    return [this](JobEvent event) {
      const std::scoped_lock lock(mutex_);
      lines_.push_back(line(event));
      events_.push_back(std::move(event));
      added_.notify_all();
    };
  }
  /// Lines but for the begin of the job; joined by " | ".
  std::string text() const {
    std::string out;
    for (const auto& one : lines_)
      if (one != "started") out += (out.empty() ? "" : " | ") + one;
    return out;
  }
  const std::vector<JobEvent>& events() const { return events_; }
  /// Comes back when there is such a line, or after ten seconds. From another thread than the job's.
  void wait_for(const std::string& wanted) {
    std::unique_lock lock(mutex_);
    added_.wait_for(lock, std::chrono::seconds(10), [&] { return std::find(lines_.begin(), lines_.end(), wanted) != lines_.end(); });
  }
  template <class T>
  const T* last() const {
    for (auto at = events_.rbegin(); at != events_.rend(); ++at)
      if (const auto* event = std::get_if<T>(&*at)) return event;
    return nullptr;
  }
  void clear() {
    const std::scoped_lock lock(mutex_);
    lines_.clear();
    events_.clear();
  }

 private:
  static std::string line(const JobEvent& event);
  std::mutex mutex_;
  std::condition_variable added_;
  std::vector<std::string> lines_;
  std::vector<JobEvent> events_;
};

inline std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& one : list) out += (out.empty() ? "" : ",") + one;
  return out;
}

inline std::string EventLog::line(const JobEvent& event) {
  struct Line {
    std::string operator()(const JobStarted&) { return "started"; }
    std::string operator()(const NodesCached& e) { return "cached " + joined(e.nodes); }
    std::string operator()(const NodeStarted& e) { return "start " + e.ids.node; }
    std::string operator()(const NodeProgress& e) { return "progress " + e.node + " " + dump(e.value) + "/" + dump(e.max); }
    std::string operator()(const NodeExecuted& e) { return "executed " + e.ids.node + " " + dump(e.output); }
    std::string operator()(const NodeFinished& e) { return (e.cached ? "reported " : "finish ") + e.ids.node; }
    std::string operator()(const TextSent& e) { return "text " + e.node + " " + e.text; }
    std::string operator()(const MessageSent& e) { return "message " + e.type; }
    std::string operator()(const BinarySent& e) { return "binary " + std::to_string(e.event); }
    std::string operator()(const NodeBlocked& e) { return "blocked " + string_or(e.error, "node_id", "?") + " " + string_or(e.error, "exception_message", "?"); }
    std::string operator()(const JobSucceeded&) { return "success"; }
    std::string operator()(const JobFailed& e) {
      std::string message = string_or(e.error, "exception_message", "?");
      while (message.ends_with('\n')) message.pop_back();
      return "failed " + string_or(e.error, "node_id", "?") + " " + string_or(e.error, "exception_type", "?") + ": " + message;
    }
    std::string operator()(const JobInterrupted& e) { return "interrupted " + e.node; }
  };
  return std::visit(Line{}, event);
}

/// An executor with nodes, and one line to run a graph on it.
class Bench {
 public:
  explicit Bench(CacheMode cache = CacheMode::kClassic, std::size_t limit = 0) : executor_(registry) {
    add_common_nodes(registry);
    executor_.configure({}, cache, limit);
  }

  /// `graph`: {"1": ["Class", {inputs}], ...}; returns the log of the job.
  std::string run(std::string_view graph, std::vector<std::string> outputs) {
    log.clear();
    executor_.run(job(graph, std::move(outputs)), log.sink(), interrupt);
    return log.text();
  }

  static Job job(std::string_view graph, std::vector<std::string> outputs) {
    Job job;
    job.id = "job";
    const json::value parsed = parse_json(graph);
    for (const auto& [id, node] : parsed.as_object()) {
      const auto& pair = node.as_array();
      job.prompt[id] = json::object{{"class_type", pair[0]}, {"inputs", pair[1]}};
    }
    job.outputs = std::move(outputs);
    return job;
  }

  Registry registry;
  EventLog log;
  std::atomic<bool> interrupt{false};
  Executor& executor() { return executor_; }

 private:
  Executor executor_;
};

inline void add_common_nodes(Registry& registry) {
  // A number, or whatever is given.
  add(registry, schema("Value").input("value", Any{}).output("*"), [](const Inputs& in, Context&) { return Outputs{in.at("value")}; });
  add(registry, schema("Add").input("a", Int{}).input("b", Int{}).output("INT"),
      [](const Inputs& in, Context&) { return Outputs{in.integer("a") + in.integer("b")}; });
  add(registry, schema("Show").input("value", Any{}).output("*").output_node(), [](const Inputs& in, Context&) {
    return Outputs{in.at("value")}.show("text", {json::value(in.at("value").describe())});
  });
  add(registry, schema("Quiet").input("value", Any{}).output_node(), [](const Inputs& in, Context&) {
    in.at("value");
    return Outputs();
  });
  add(registry, schema("Many").input("count", Int{}).output("INT", "many", true).output("INT"), [](const Inputs& in, Context&) {
    List list;
    for (std::int64_t i = 0; i < in.integer("count"); ++i) list.emplace_back(i);
    return Outputs{Value::list(std::move(list)), in.at("count")};
  });
  add(registry, schema("Gather").input("value", Any{}).input_is_list().output("*", "all", true).output("INT").output_node(), [](const Inputs& in, Context&) {
    const List& list = in.list("value");
    return Outputs{Value::list(list), static_cast<std::int64_t>(list.size())}.show("count", {static_cast<std::int64_t>(list.size())});
  });
  add(registry, schema("Fail").input("message", String{}).input("thing", Any{}).output("*"),
      [](const Inputs& in, Context&) -> Outputs { throw InvalidInput(in.text("message")); });
  const auto lazy = Int{.common = {.lazy = true}};
  add(registry, schema("Pick").input("b_wanted", Boolean{}).input("a", lazy).input("b", lazy).output("INT").lazy_check(),
      [](const Inputs& in, Context&) { return Outputs{in.at(in.boolean("b_wanted") ? "b" : "a")}; },
      [](const Inputs& in) {
        const std::string name = in.boolean("b_wanted") ? "b" : "a";
        return in.given(name) ? std::vector<std::string>{} : std::vector{name};
      });
  add(registry, schema("PickNothing").input("a", lazy).input("after", Any{}).output("*"), [](const Inputs& in, Context&) { return Outputs{in.at("a")}; });
  add(registry, schema("Block").input("message", String{}).output("*").output("INT"), [](const Inputs& in, Context&) {
    const auto& text = in.text("message");
    return Outputs{text.empty() ? Blocker{} : Blocker{text}, 7};
  });
  add(registry, schema("Chain").input("start", Int{}).input("links", Int{}).input("extra", String{}).output("INT"), [](const Inputs& in, Context& context) {
    GraphBuilder graph(context);
    json::value last = in.integer("start");
    std::string first, id;
    for (std::int64_t i = 0; i < in.integer("links"); ++i) {
      id = graph.node("Add", {{"a", last}, {"b", 1}});
      if (first.empty()) first = id;
      last = GraphBuilder::link(id);
    }
    const auto& extra = in.text("extra");
    if (extra == "show") graph.node("Show", {{"value", last}}, "seen");
    if (extra == "fail") id = graph.node("Fail", {{"message", "inner"}, {"thing", last}}, "broken");
    if (extra == "circle") graph.set_input(first, "a", last);
    if (extra == "nested") id = graph.node("Chain", {{"start", last}, {"links", 1}, {"extra", "show"}}, "again");
    if (extra == "unknown") id = graph.node("NoSuchClass", json::object{});
    return std::move(graph).finish({GraphBuilder::slot(id)});
  });
}

}  // namespace darkroom::testing_nodes
