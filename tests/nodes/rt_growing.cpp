// A node that becomes a graph, and an async one.
#include <chrono>
#include <future>
#include <thread>

#include "rt_pack.hpp"
#include "worker/graph_builder.hpp"

namespace darkroom {
namespace {

/// Becomes a chain of RT_Add nodes; may put an RT_Show or an RT_Fail in the chain.
class RtGrow final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Grow", "rt/run").input("start", rt_input("INT", R"({"default": 1})"))
        .input("links", rt_input("INT", R"({"default": 2, "min": 1, "max": 20})"))
        .input("extra", rt_choice({"none", "show", "fail", "own_id", "cycle"})).input("tag", rt_tag()).output("INT");
  }
  Outputs run(const Inputs& in, Context& context) override {
    GraphBuilder graph(context);
    const std::string& extra = in.choice("extra");
    const json::value tag(in.text_or("tag", ""));
    json::value last = *in.at("start").to_json();
    std::string first, id;
    for (std::int64_t n = 0; n < in.integer("links"); ++n) {
      id = graph.node("RT_Add", {{"a", last}, {"b", n + 1}, {"tag", tag}});
      if (first.empty()) first = id;
      if (extra == "own_id") graph.show_at(id, "shown" + std::to_string(n));
      last = GraphBuilder::link(id);
    }
    if (extra == "show") graph.node("RT_Show", {{"value", last}, {"tag", tag}}, "seen");
    if (extra == "fail") id = graph.node("RT_Fail", {{"message", "inner boom"}, {"thing", last}, {"tag", tag}}, "broken");
    if (extra == "cycle") graph.set_input(first, "a", last);
    return std::move(graph).finish({GraphBuilder::slot(id)});
  }
};

class RtAsync final : public Node {
 public:
  static constexpr bool kAsync = true;
  static NodeSchema schema() {
    return rt_schema("RT_Async", "rt/run").input("value", rt_input("INT", R"({"default": 0})"))
        .input("seconds", rt_input("FLOAT", R"({"default": 0.2, "min": 0.0, "max": 10.0})")).input("mode", rt_choice({"ok", "fail"}))
        .input("tag", rt_tag()).output("INT");
  }
  Outputs run(const Inputs& in, Context&) override {
    auto promise = std::make_shared<std::promise<Outputs>>();
    Outputs later;
    later.pending = std::make_shared<PendingOutputs>();
    later.pending->result = promise->get_future();
    std::thread([promise, value = in.at("value"), seconds = in.number("seconds"), fails = in.choice("mode") == "fail"] {
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
      if (fails) promise->set_exception(std::make_exception_ptr(InvalidInput("async boom")));
      else promise->set_value(Outputs{value});
    }).detach();
    return later;
  }
};

}  // namespace

void register_rt_growing(Registry& registry) {
  registry.add<RtGrow>();
  registry.add<RtAsync>();
}

}  // namespace darkroom
