// What happens while a node runs: failing, progress, pictures, messages, counting, marks, lazy inputs, lists, blockers.
#include <chrono>
#include <limits>
#include <map>
#include <mutex>
#include <thread>

#include "imaging/preview.hpp"
#include "rt_pack.hpp"

namespace darkroom {
namespace {

/// How often a counting node really ran in this process, by tag.
std::int64_t count_run(const std::string& tag) {
  static std::mutex mutex;
  static std::map<std::string, std::int64_t> runs;
  const std::scoped_lock lock(mutex);
  return ++runs[tag];
}

InputSpec plain_tag() { return rt_input("STRING", R"({"default": ""})"); }

class RtFail final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Fail", "rt/run").input("message", rt_input("STRING", R"({"default": "boom"})")).input("thing", rt_input("*", "{}"))
        .input("tag", rt_tag()).output("INT");
  }
  Outputs run(const Inputs& in, Context&) override {
    in.at("thing");
    throw InvalidInput(in.text("message"));
  }
};

/// Sleeps in steps, reporting progress; a step is where an interrupt is noticed.
class RtSleep final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Sleep", "rt/run").input("value", rt_input("*", "{}"))
        .input("seconds", rt_input("FLOAT", R"({"default": 0.1, "min": 0.0, "max": 60.0})"))
        .input("steps", rt_input("INT", R"({"default": 2, "min": 1, "max": 10000})")).input("tag", rt_tag()).output("*");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const std::int64_t steps = in.integer("steps");
    const std::chrono::duration<double> step(in.number("seconds") / static_cast<double>(steps));
    for (std::int64_t i = 0; i < steps; ++i) {
      std::this_thread::sleep_for(step);
      context.progress(i + 1, steps);
    }
    return {in.at("value")};
  }
};

/// Two progress steps, each with a preview picture.
class RtPreview final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Preview", "rt/run").input("kind", rt_choice({"JPEG", "PNG"}))
        .input("width", rt_input("INT", R"({"default": 32, "min": 1, "max": 4096})"))
        .input("height", rt_input("INT", R"({"default": 16, "min": 1, "max": 4096})"))
        .input("limit", rt_input("INT", R"({"default": 0, "min": 0, "max": 4096, "tooltip": "0: no limit"})")).input("tag", rt_tag()).output("INT");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const int width = static_cast<int>(in.integer("width")), height = static_cast<int>(in.integer("height"));
    const int limit = static_cast<int>(in.integer("limit"));
    for (int step = 1; step <= 2; ++step) {
      std::vector<std::uint8_t> pixels;
      for (int i = 0; i < width * height; ++i) pixels.insert(pixels.end(), {static_cast<std::uint8_t>(step * 100), 20, 30});
      context.progress(step, 2, in.choice("kind"),
                       imaging::encode_preview(pixels.data(), width, height, in.choice("kind"), limit ? std::optional(limit) : std::nullopt));
    }
    return {2};
  }
};

/// A text beside the node, by the binary message of type 3.
class RtText final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Text", "rt/run").input("text", rt_input("STRING", R"({"default": "hello"})")).input("tag", rt_tag())
        .hidden("uid", "UNIQUE_ID").output("STRING");
  }
  Outputs run(const Inputs& in, Context& context) override {
    context.text(in.text("text"));
    return {in.at("text")};
  }
};

/// A message of its own kind, to the client of this prompt or to every client.
class RtSend final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Send", "rt/run").input("to", rt_choice({"one", "all"})).input("text", rt_input("STRING", R"({"default": "hi"})"))
        .input("tag", rt_tag()).hidden("uid", "UNIQUE_ID").output("STRING").output_node();
  }
  Outputs run(const Inputs& in, Context& context) override {
    context.send("rt.custom", json::object{{"node", in.text("uid")}, {"text", in.text("text")}, {"n", 7}}, Audience{.all = in.choice("to") == "all"});
    return {in.at("text")};
  }
};

/// Says how often it has run for its tag.
class RtCount final : public Node {
 public:
  static NodeSchema schema() { return named("RT_Count"); }
  static NodeSchema named(std::string name) {
    return rt_schema(std::move(name), "rt/run").input("tag", plain_tag()).input("extra", rt_optional(rt_input("*", "{}"))).output("INT");
  }
  Outputs run(const Inputs& in, Context&) override { return {count_run(in.text("tag"))}; }
};

class RtCountOnce final : public Node {
 public:
  static NodeSchema schema() { return RtCount::named("RT_CountOnce").not_idempotent(); }
  Outputs run(const Inputs& in, Context&) override { return {count_run(in.text("tag"))}; }
};

/// As RT_Count, but it asks for its own node id.
class RtCountUid final : public Node {
 public:
  static NodeSchema schema() { return rt_schema("RT_CountUid", "rt/run").input("tag", plain_tag()).hidden("uid", "UNIQUE_ID").output("INT"); }
  Outputs run(const Inputs& in, Context&) override { return {count_run(in.text("tag"))}; }
};

/// A mark by mode: a steady text, not-a-number, an exception.
class RtChanged final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Changed", "rt/run").input("mode", rt_choice({"steady", "nan", "same_nan", "raise"})).input("tag", plain_tag()).output("INT");
  }
  static json::value fingerprint(const Inputs& in, const Folders&) {
    const std::string& mode = in.choice("mode");
    if (mode == "raise") throw NamedError("RuntimeError", "no mark");
    if (mode == "steady") return "mark";
    return std::numeric_limits<double>::quiet_NaN();
  }
  Outputs run(const Inputs& in, Context&) override { return {count_run(in.text("tag"))}; }
};

/// Takes `b` when `pick_b`, else `a`; both links are lazy.
class RtLazy : public Node {
 public:
  static NodeSchema schema() { return named("RT_Lazy"); }
  static NodeSchema named(std::string name) {
    const auto lazy = [] { return rt_optional(rt_input("INT", R"({"lazy": true})")); };
    return rt_schema(std::move(name), "rt/run").input("pick_b", rt_input("BOOLEAN", R"({"default": false})")).input("a", lazy()).input("b", lazy())
        .input("tag", rt_tag()).output("INT").lazy_check();
  }
  std::vector<std::string> wants(const Inputs& in) override {
    const std::string want = in.boolean("pick_b") ? "b" : "a";
    return in.given(want) ? std::vector<std::string>{} : std::vector{want};
  }
  Outputs run(const Inputs& in, Context&) override {
    const Value* value = in.find(in.boolean("pick_b") ? "b" : "a");
    return {value ? *value : Value()};
  }
};

/// Asks for an input that is no input of it.
class RtLazyBad final : public RtLazy {
 public:
  static NodeSchema schema() { return named("RT_LazyBad"); }
  std::vector<std::string> wants(const Inputs&) override { return {"nowhere"}; }
};

/// A lazy input that it never asks for; `after` only makes it wait.
class RtLazyNone final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_LazyNone", "rt/run").input("a", rt_input("INT", R"({"lazy": true})")).input("after", rt_input("*", "{}")).output("STRING");
  }
  Outputs run(const Inputs& in, Context&) override { return {rt_text(in.at("a"))}; }
};

/// A list of numbers from 0.
class RtMany final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Many", "rt/lists").input("count", rt_input("INT", R"({"default": 3, "min": 0, "max": 50})")).input("tag", rt_tag())
        .output("INT", "many", true).output("INT", "length");
  }
  Outputs run(const Inputs& in, Context&) override {
    List numbers;
    for (std::int64_t i = 0; i < in.integer("count"); ++i) numbers.emplace_back(i);
    return {Value::list(std::move(numbers)), in.at("count")};
  }
};

/// Gives its value, or a blocker, silent or with a message.
class RtBlock final : public Node {
 public:
  static NodeSchema schema() {
    return rt_schema("RT_Block", "rt/run").input("mode", rt_choice({"pass", "silent", "message"})).input("value", rt_input("INT", R"({"default": 0})"))
        .input("tag", rt_tag()).output("INT", "gated").output("INT", "plain");
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::string& mode = in.choice("mode");
    if (mode == "pass") return {in.at("value"), in.at("value")};
    return {mode == "silent" ? Blocker{} : Blocker{"gate is shut"}, in.at("value")};
  }
};

}  // namespace

void register_rt_running(Registry& registry) {
  registry.add<RtFail>();
  registry.add<RtSleep>();
  registry.add<RtPreview>();
  registry.add<RtText>();
  registry.add<RtSend>();
  registry.add<RtCount>();
  registry.add<RtCountOnce>();
  registry.add<RtCountUid>();
  registry.add<RtChanged>();
  registry.add<RtLazy>();
  registry.add<RtLazyBad>();
  registry.add<RtLazyNone>();
  registry.add<RtMany>();
  registry.add<RtBlock>();
}

}  // namespace darkroom
