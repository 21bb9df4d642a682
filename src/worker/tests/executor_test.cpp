// The semantics of an execution, a graph in and the events out (protocol.md §6, §7).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <map>
#include <thread>

#include "tensor/packed.hpp"
#include "testing.hpp"
#include "worker/memory.hpp"
#include "worker/models.hpp"

namespace darkroom::testing_nodes {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Case {
  const char* name;
  const char* graph;
  std::vector<std::string> outputs;
  const char* log;
};

class Semantics : public ::testing::TestWithParam<Case> {};

TEST_P(Semantics, LogIsAsRecorded) {
  Bench bench;
  EXPECT_EQ(bench.run(GetParam().graph, GetParam().outputs), GetParam().log);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Semantics,
    ::testing::Values(
        Case{"last_branch_first", R"({"1": ["Value", {"value": 1}], "2": ["Value", {"value": 2}], "3": ["Add", {"a": ["1", 0], "b": ["2", 0]}],
                                     "4": ["Show", {"value": ["3", 0]}]})",
             {"4"},
             "cached  | start 2 | finish 2 | start 1 | finish 1 | start 3 | finish 3 | start 4 | executed 4 {\"text\":[\"3\"]} | finish 4 | success"},
        Case{"nodes_above_an_output_go_before_others",
             // 2 is pending first among the ready ones, but 4 feeds an output node directly.
             R"({"1": ["Value", {"value": ["2", 0]}], "2": ["Value", {"value": ["3", 0]}], "3": ["Value", {"value": 1}], "4": ["Value", {"value": 2}],
                 "5": ["Show", {"value": ["1", 0]}], "6": ["Show", {"value": ["4", 0]}]})",
             {"5", "6"},
             "cached  | start 4 | finish 4 | start 6 | executed 6 {\"text\":[\"2\"]} | finish 6 | start 3 | finish 3 | start 2 | finish 2 | "
             "start 1 | finish 1 | start 5 | executed 5 {\"text\":[\"1\"]} | finish 5 | success"},
        Case{"only_what_an_output_needs_runs", R"({"1": ["Value", {"value": 1}], "2": ["Value", {"value": 2}], "3": ["Quiet", {"value": ["1", 0]}]})",
             {"3"},
             "cached  | start 1 | finish 1 | start 3 | finish 3 | success"},
        Case{"equal_nodes_share_a_result", R"({"p": ["Value", {"value": 1}], "q": ["Value", {"value": 1.0}], "r": ["Add", {"a": ["p", 0], "b": ["q", 0]}],
                                              "s": ["Quiet", {"value": ["r", 0]}]})",
             {"s"},
             "cached  | start q | finish q | executed p null | reported p | start r | finish r | start s | finish s | success"},
        Case{"lists_map_and_repeat_their_last", R"({"1": ["Many", {"count": 4}], "2": ["Many", {"count": 2}], "3": ["Add", {"a": ["1", 0], "b": ["2", 0]}],
                                                   "4": ["Show", {"value": ["3", 0]}]})",
             {"4"},
             "cached  | start 2 | finish 2 | start 1 | finish 1 | start 3 | finish 3 | start 4 | executed 4 {\"text\":[\"0\",\"2\",\"3\",\"4\"]} | "
             "finish 4 | success"},
        Case{"whole_lists", R"({"1": ["Many", {"count": 3}], "2": ["Gather", {"value": ["1", 0]}], "3": ["Show", {"value": ["2", 1]}]})",
             {"3"},
             "cached  | start 1 | finish 1 | start 2 | executed 2 {\"count\":[3]} | finish 2 | start 3 | executed 3 {\"text\":[\"3\"]} | finish 3 | success"},
        Case{"an_empty_list_is_a_call_without_arguments", R"({"1": ["Many", {"count": 0}], "2": ["Show", {"value": ["1", 0]}]})",
             {"2"},
             "cached  | start 1 | finish 1 | start 2 | failed 2 TypeError: missing 1 required argument: 'value'"},
        Case{"an_empty_list_beside_another", R"({"1": ["Many", {"count": 0}], "2": ["Add", {"a": ["1", 0], "b": 1}], "3": ["Show", {"value": ["2", 0]}]})",
             {"3"},
             "cached  | start 1 | finish 1 | start 2 | failed 2 IndexError: list index out of range"},
        Case{"only_the_wanted_side_runs", R"({"1": ["Value", {"value": 1}], "2": ["Value", {"value": 2}],
                                             "3": ["Pick", {"b_wanted": true, "a": ["1", 0], "b": ["2", 0]}], "4": ["Show", {"value": ["3", 0]}]})",
             {"4"},
             "cached  | start 3 | start 2 | finish 2 | start 3 | finish 3 | start 4 | executed 4 {\"text\":[\"2\"]} | finish 4 | success"},
        Case{"a_lazy_source_that_has_run_is_asked_for_again", R"({"1": ["Value", {"value": 1}], "2": ["Value", {"value": ["1", 0]}],
                                             "3": ["Pick", {"b_wanted": ["2", 0], "a": 0, "b": ["1", 0]}], "4": ["Quiet", {"value": ["3", 0]}]})",
             {"4"},
             "cached  | start 1 | finish 1 | start 2 | finish 2 | start 3 | start 3 | finish 3 | start 4 | finish 4 | success"},
        Case{"an_unasked_lazy_input_is_none", R"({"1": ["Value", {"value": 5}], "2": ["Value", {"value": ["1", 0]}],
                                                 "3": ["PickNothing", {"a": ["1", 0], "after": ["2", 0]}], "4": ["Show", {"value": ["3", 0]}]})",
             {"4"},
             "cached  | start 1 | finish 1 | start 2 | finish 2 | start 3 | finish 3 | start 4 | executed 4 {\"text\":[\"None\"]} | finish 4 | success"},
        Case{"a_silent_blocker", R"({"1": ["Block", {"message": ""}], "2": ["Show", {"value": ["1", 0]}], "3": ["Show", {"value": ["1", 1]}]})",
             {"2", "3"},
             "cached  | start 1 | finish 1 | start 2 | finish 2 | start 3 | executed 3 {\"text\":[\"7\"]} | finish 3 | success"},
        Case{"a_blocker_speaks_once", R"({"1": ["Block", {"message": "shut"}], "2": ["Value", {"value": ["1", 0]}], "3": ["Show", {"value": ["2", 0]}]})",
             {"3"},
             "cached  | start 1 | finish 1 | start 2 | blocked 2 Execution Blocked: shut | finish 2 | start 3 | finish 3 | success"},
        Case{"a_failure_ends_it", R"({"1": ["Value", {"value": 3}], "2": ["Fail", {"message": "boom", "thing": ["1", 0]}], "3": ["Quiet", {"value": ["2", 0]}]})",
             {"3"},
             "cached  | start 1 | finish 1 | start 2 | failed 2 ValueError: boom"},
        Case{"a_slot_past_the_end_is_none", R"({"1": ["Value", {"value": 1}], "2": ["Show", {"value": ["1", 5]}]})",
             {"2"},
             "cached  | start 1 | finish 1 | start 2 | executed 2 {\"text\":[\"None\"]} | finish 2 | success"},
        Case{"a_negative_slot_counts_from_the_end", R"({"1": ["Many", {"count": 2}], "2": ["Show", {"value": ["1", -1]}]})",
             {"2"},
             "cached  | start 1 | finish 1 | start 2 | executed 2 {\"text\":[\"2\"]} | finish 2 | success"},
        Case{"an_undeclared_constant_is_dropped", R"({"1": ["Value", {"value": 1, "more": "x"}], "2": ["Quiet", {"value": ["1", 0]}]})",
             {"2"},
             "cached  | start 1 | finish 1 | start 2 | finish 2 | success"},
        Case{"an_undeclared_link_is_passed_on", R"({"1": ["Value", {"value": 1}], "2": ["Quiet", {"value": 1, "surplus": ["1", 0]}]})",
             {"2"},
             "cached  | start 1 | finish 1 | start 2 | failed 2 TypeError: Quiet.go() got an unexpected keyword argument 'surplus'"},
        Case{"a_link_to_nowhere_fails_its_prompt_only", R"({"1": ["Quiet", {"value": ["99", 0]}]})", {"1"}, "cached  | start 1 | failed 1 KeyError: '99'"},
        Case{"an_unknown_class_fails_its_prompt_only", R"({"1": ["Nothing", {}], "2": ["Quiet", {"value": ["1", 0]}]})",
             {"2"},
             "cached  | start 1 | failed 1 KeyError: 'Nothing'"},
        Case{"a_circle_is_found", R"({"1": ["Value", {"value": ["2", 0]}], "2": ["Value", {"value": ["1", 0]}], "3": ["Quiet", {"value": ["2", 0]}]})",
             {"3"},
             "cached  | failed 1 graph.DependencyCycleError: Dependency cycle detected"},
        Case{"an_expansion", R"({"1": ["Chain", {"start": 1, "links": 2, "extra": ""}], "2": ["Show", {"value": ["1", 0]}]})",
             {"2"},
             "cached  | start 1 | start 1.0.0.1 | finish 1.0.0.1 | start 1.0.0.2 | finish 1.0.0.2 | finish 1 | start 2 | executed 2 {\"text\":[\"3\"]} | "
             "finish 2 | success"},
        Case{"an_output_node_in_an_expansion", R"({"1": ["Chain", {"start": 1, "links": 1, "extra": "show"}], "2": ["Quiet", {"value": ["1", 0]}]})",
             {"2"},
             "cached  | start 1 | start 1.0.0.1 | finish 1.0.0.1 | start 1.0.0.seen | executed 1.0.0.seen {\"text\":[\"2\"]} | finish 1.0.0.seen | "
             "finish 1 | start 2 | finish 2 | success"},
        Case{"expansions_nest", R"({"1": ["Chain", {"start": 1, "links": 1, "extra": "nested"}], "2": ["Show", {"value": ["1", 0]}]})",
             {"2"},
             "cached  | start 1 | start 1.0.0.1 | finish 1.0.0.1 | start 1.0.0.again | start 1.0.0.again.0.0.1 | finish 1.0.0.again.0.0.1 | "
             "start 1.0.0.again.0.0.seen | executed 1.0.0.again.0.0.seen {\"text\":[\"3\"]} | finish 1.0.0.again.0.0.seen | finish 1.0.0.again | "
             "finish 1 | start 2 | executed 2 {\"text\":[\"3\"]} | finish 2 | success"},
        Case{"a_failure_in_an_expansion_is_the_submitted_nodes", R"({"1": ["Chain", {"start": 1, "links": 1, "extra": "fail"}], "2": ["Quiet", {"value": ["1", 0]}]})",
             {"2"},
             "cached  | start 1 | start 1.0.0.1 | finish 1.0.0.1 | start 1.0.0.broken | failed 1 ValueError: inner"},
        Case{"a_circle_in_an_expansion", R"({"1": ["Chain", {"start": 1, "links": 2, "extra": "circle"}], "2": ["Quiet", {"value": ["1", 0]}]})",
             {"2"},
             "cached  | start 1 | failed 1 graph.DependencyCycleError: Dependency cycle detected"},
        Case{"an_unknown_class_in_an_expansion", R"({"1": ["Chain", {"start": 1, "links": 1, "extra": "unknown"}], "2": ["Quiet", {"value": ["1", 0]}]})",
             {"2"},
             "cached  | start 1 | failed 1 ValueError: a made graph asks for the class NoSuchClass, which does not exist"},
        Case{"each_list_item_has_its_own_expansion", R"({"0": ["Many", {"count": 2}], "1": ["Chain", {"start": ["0", 0], "links": 1, "extra": ""}],
                                                        "2": ["Show", {"value": ["1", 0]}]})",
             {"2"},
             "cached  | start 0 | finish 0 | start 1 | start 1.0.0.1 | finish 1.0.0.1 | start 1.1.0.1 | finish 1.1.0.1 | finish 1 | start 2 | "
             "executed 2 {\"text\":[\"1\",\"2\"]} | finish 2 | success"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(Executor, FailureSaysWhatClientsRead) {
  Bench bench;
  bench.run(R"({"1": ["Value", {"value": 3}], "2": ["Fail", {"message": "boom", "thing": {"deep": [1]}}], "3": ["Quiet", {"value": ["1", 0]}],
               "4": ["Quiet", {"value": ["2", 0]}]})", {"3", "4"});
  const auto* failed = bench.log.last<JobFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(dump(failed->error.at("current_inputs")), R"({"message":["boom"],"thing":["{'deep': [1]}"]})");
  EXPECT_EQ(string_or(failed->error, "exception_message", ""), "boom\n");
  EXPECT_EQ(string_or(failed->error, "node_type", ""), "Fail");
  EXPECT_EQ(failed->error.at("current_outputs").as_array().size(), 4u);
  EXPECT_FALSE(failed->error.at("traceback").as_array().empty());
}

TEST(Executor, AnythingThrownFailsTheJobOnly) {
  Bench bench;
  add(bench.registry, schema("ThrowsAnInteger").output_node(), [](const Inputs&, Context&) -> Outputs { throw 42; });
  add(bench.registry, schema("NoMemory").output_node(), [](const Inputs&, Context&) -> Outputs { throw std::bad_alloc(); });
  EXPECT_THAT(bench.run(R"({"1": ["ThrowsAnInteger", {}]})", {"1"}), HasSubstr("failed 1 RuntimeError: unknown exception"));
  EXPECT_THAT(bench.run(R"({"1": ["NoMemory", {}]})", {"1"}), HasSubstr("failed 1 torch.OutOfMemoryError: out of memory\nThis error means you ran out of memory"));
  EXPECT_THAT(bench.run(R"({"1": ["Quiet", {"value": 1}]})", {"1"}), HasSubstr("success"));
  EXPECT_THAT(bench.run(R"({"1": ["Quiet", {"value": 1}]})", {"7"}), HasSubstr("the output node 7 is not in the prompt"));
}

/// A GPU of 16 GiB, and a node whose models lie on it.
class OnAGpu : public ::testing::Test {
 protected:
  static constexpr std::size_t kGiB = std::size_t{1} << 30;
  struct Model {
    std::size_t gib;
    std::size_t bytes() const { return gib * kGiB; }
  };

  OnAGpu() {
    ExecutorSettings settings;
    settings.device.gpu = 3;
    settings.ask_gpu = [this](int index) { return asked_ = index, memory_; };
    bench_.executor().configure(settings, CacheMode::kNone, 0);
    add(bench_.registry, schema("UseModel").input("name", String{}).input("gib", Int{}).output_node(),
        [this](const Inputs& in, Context& context) {
          auto& model = models_[in.text("name")];
          const auto size = static_cast<std::size_t>(in.integer("gib"));
          if (!model) model = std::make_shared<Packed<Model>>(model_budget(context), size * kGiB, [this, size] { return put(size); });
          model->acquire();
          return Outputs();
        });
  }
  /// A model on the device, which is as full as it is.
  std::shared_ptr<const Model> put(std::size_t gib) {
    if (memory_) memory_->free -= gib * kGiB;
    return {new Model{gib}, [this](const Model* model) {
              if (memory_) memory_->free += model->bytes();
              delete model;
            }};
  }
  void use(const std::string& name, int gib) {
    EXPECT_THAT(bench_.run(R"({"1": ["UseModel", {"name": ")" + name + R"(", "gib": )" + std::to_string(gib) + "}]}", {"1"}),
                HasSubstr("success"));
  }
  std::vector<std::string> there() const {
    std::vector<std::string> names;
    for (const auto& [name, model] : models_)
      if (model->bytes() > 0) names.push_back(name);
    return names;
  }

  int asked_ = -1;
  std::optional<GpuMemory> memory_ = GpuMemory{.free = 16 * kGiB, .total = 16 * kGiB};
  std::map<std::string, std::shared_ptr<Packed<Model>>> models_;
  Bench bench_;
};

TEST_F(OnAGpu, ModelsGiveWayByWhatIsFreeThere) {
  use("a", 6);
  use("b", 6);
  use("a", 6);
  EXPECT_EQ(asked_, 3);
  use("c", 3);  // 4 are free, of which one is kept for what models compute
  EXPECT_THAT(there(), ::testing::ElementsAre("a", "b", "c"));
  use("d", 4);
  EXPECT_THAT(there(), ::testing::ElementsAre("a", "c", "d")) << "b was used least lately";
  EXPECT_EQ(bench_.executor().models().available(), 3 * kGiB);
}

TEST_F(OnAGpu, WhatLibtorchKeepsAtHandIsFree) {
  memory_->free = 2 * kGiB;
  memory_->kept = 9 * kGiB;
  use("a", 1);
  use("b", 7);
  EXPECT_THAT(there(), ::testing::ElementsAre("a", "b"));
}

TEST_F(OnAGpu, WhatCannotBeAskedRefusesNothing) {
  memory_.reset();
  use("a", 100);
  use("b", 100);
  EXPECT_THAT(there(), ::testing::ElementsAre("a", "b"));
}

TEST_F(OnAGpu, TheMachinesOwnMemoryIsAnotherMatter) {
  ExecutorSettings settings;
  settings.device.gpu = 3;
  settings.ask_gpu = [this](int) { return memory_; };
  settings.memory_limit = resident_bytes() + (std::size_t{8} << 20);  // all but used up
  bench_.executor().configure(settings, CacheMode::kNone, 0);
  use("a", 6);
  bench_.executor().watch_memory();
  EXPECT_THAT(there(), ::testing::ElementsAre("a"));
}

TEST(Executor, NumbersThatJsonHasNotReachTheirNodeAndLeaveAsNull) {
  Bench bench;
  add(bench.registry, schema("Half").input("value", Float{}).output_node(), [](const Inputs& in, Context&) {
    return Outputs().show("half", {json::value(in.number("value") / 2)});
  });
  add(bench.registry, schema("Name").input("value", Float{}).output_node(), [](const Inputs& in, Context&) {
    return Outputs().show("name", {json::value(in.at("value").describe())});
  });
  for (const auto& [given, name] : {std::pair{"nan", "nan"}, {" -Infinity", "-inf"}, {"1e999", "inf"}}) {
    const std::string input = std::string(R"({"value": ")") + given + "\"}";
    EXPECT_THAT(bench.run(R"({"1": ["Half", )" + input + "]}", {"1"}), HasSubstr(R"(executed 1 {"half":[null]})"));
    EXPECT_THAT(bench.run(R"({"1": ["Name", )" + input + "]}", {"1"}), HasSubstr(std::string(R"(executed 1 {"name":[")") + name + "\"]}"));
  }
  // A NaN is never equal, not even to itself.
  constexpr const char* kNan = R"({"1": ["Half", {"value": "nan"}]})";
  for (int i = 0; i < 2; ++i) EXPECT_THAT(bench.run(kNan, {"1"}), StartsWith("cached  |"));
  EXPECT_THAT(bench.run(R"({"1": ["Half", {"value": "many"}]})", {"1"}), HasSubstr("failed 1"));
}

TEST(Executor, UiOfSeveralCallsIsJoinedAndMustAgree) {
  Bench bench;
  add(bench.registry, schema("Uneven").input("value", Any{}).output_node(), [](const Inputs& in, Context&) {
    return Outputs().show(in.integer("value") == 0 ? "a" : "b", {json::value(1)});
  });
  EXPECT_THAT(bench.run(R"({"1": ["Many", {"count": 2}], "2": ["Uneven", {"value": ["1", 0]}]})", {"2"}), HasSubstr("failed 2 KeyError: 'a'"));
}

TEST(Executor, HiddenInputs) {
  Bench bench;
  add(bench.registry, schema("Hidden").hidden("uid", "UNIQUE_ID").hidden("prompt", "PROMPT").hidden("png", "EXTRA_PNGINFO").hidden("dyn", "DYNPROMPT")
                          .hidden("token", "AUTH_TOKEN_COMFY_ORG").hidden("odd", "NO_SUCH_KIND").output_node(),
      [](const Inputs& in, Context& context) {
        EXPECT_EQ(in.text("uid"), "h");
        EXPECT_TRUE(in.at("prompt").if_json()->get_object().contains("h"));
        EXPECT_EQ(in.at("png").describe(), "{'workflow': 1}");
        EXPECT_EQ(in.at("dyn").type_name(), "DynamicPrompt");
        EXPECT_EQ(in.text("token"), "secret");
        EXPECT_FALSE(in.has("odd"));
        EXPECT_EQ(context.preview_method(), "taesd");
        return Outputs();
      });
  Job job = Bench::job(R"({"h": ["Hidden", {}]})", {"h"});
  job.extra_data = {{"extra_pnginfo", json::object{{"workflow", 1}}}, {"preview_method", "taesd"}};
  job.secrets = {{"auth_token_comfy_org", "secret"}};
  bench.executor().run(job, bench.log.sink(), bench.interrupt);
  EXPECT_THAT(bench.log.text(), HasSubstr("success"));
}

TEST(Executor, AsyncNodesRunSideBySide) {
  Bench bench;
  NodeClass entry;
  entry.schema = schema("Later").input("value", Any{}).input("ms", Int{}).output("*");
  entry.is_async = true;
  entry.make = [] {
    return std::make_unique<FunctionNode>(
        [](const Inputs& in, Context&) {
          auto promise = std::make_shared<std::promise<Outputs>>();
          Outputs later;
          later.pending = std::make_shared<PendingOutputs>();
          later.pending->result = promise->get_future();
          std::thread([promise, value = in.at("value"), ms = in.integer("ms")] {
            std::this_thread::sleep_for(std::chrono::milliseconds(ms));
            if (value.is_none()) promise->set_exception(std::make_exception_ptr(InvalidInput("async boom")));
            else promise->set_value(Outputs{value});
          }).detach();
          return later;
        },
        Wants{});
  };
  bench.registry.add(entry);
  EXPECT_EQ(bench.run(R"({"1": ["Later", {"value": 1, "ms": 30}], "2": ["Later", {"value": 2, "ms": 150}], "3": ["Add", {"a": ["1", 0], "b": ["2", 0]}],
                          "4": ["Quiet", {"value": ["3", 0]}]})", {"4"}),
            "cached  | start 2 | start 1 | finish 1 | finish 2 | start 3 | finish 3 | start 4 | finish 4 | success");
  EXPECT_EQ(bench.run(R"({"1": ["Later", {"value": null, "ms": 5}], "4": ["Quiet", {"value": ["1", 0]}]})", {"4"}),
            "cached  | start 1 | failed 1 ValueError: async boom");
  EXPECT_EQ(dump(bench.log.last<JobFailed>()->error.at("current_inputs")), "{}");

  // A cancel does not wait for an async call that takes long.
  bench.log.clear();
  std::thread canceller([&] {
    bench.log.wait_for("start 1");
    bench.interrupt = true;
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(bench.run(R"({"1": ["Later", {"value": 1, "ms": 3000}], "4": ["Quiet", {"value": ["1", 0]}]})", {"4"}), HasSubstr("interrupted 1"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  canceller.join();
}

TEST(Executor, AnInterruptEndsTheNodeAtItsNextStep) {
  Bench bench;
  add(bench.registry, schema("Slow").input("value", Any{}).output("*"), [](const Inputs& in, Context& context) {
    for (int i = 1; i <= 1000; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      context.progress(i, 1000);
    }
    return Outputs{in.at("value")};
  });
  std::thread canceller([&] {
    bench.log.wait_for("progress 1 1/1000");
    bench.interrupt = true;
  });
  const std::string log = bench.run(R"({"0": ["Value", {"value": 1}], "1": ["Slow", {"value": ["0", 0]}], "2": ["Quiet", {"value": ["1", 0]}]})", {"2"});
  canceller.join();
  EXPECT_THAT(log, HasSubstr("progress 1 1/1000"));
  EXPECT_THAT(log, ::testing::EndsWith("interrupted 1"));
  EXPECT_EQ(bench.log.last<JobInterrupted>()->node_type, "Slow");
  EXPECT_EQ(bench.log.last<JobInterrupted>()->executed, std::vector<std::string>{"0"});
}

TEST(Executor, ProgressNeverPassesItsTotal) {
  Bench bench;
  add(bench.registry, schema("Over").output_node(), [](const Inputs&, Context& context) {
    context.progress(9, 4);
    return Outputs();
  });
  EXPECT_THAT(bench.run(R"({"1": ["Over", {}]})", {"1"}), HasSubstr("progress 1 4/4"));
}

TEST(Executor, AGrowingInputArrivesAsOneArgument) {
  Bench bench;
  add(bench.registry, NodeSchema("Grows", Form::kV3).input("nums", Autogrow{.member = "num", .of = Socket{"INT"}, .prefix = "num", .min = 1, .max = 3}).output("*"),
      [](const Inputs& in, Context&) { return Outputs{in.at("nums").describe()}; });
  EXPECT_THAT(bench.run(R"({"1": ["Value", {"value": 5}], "2": ["Grows", {"nums.num0": 1, "nums.num1": ["1", 0], "nums.num9": 3}], "3": ["Show", {"value": ["2", 0]}]})", {"3"}),
              HasSubstr("executed 3 {\"text\":[\"{'num0': 1, 'num1': 5}\"]}"));
}

TEST(Executor, ALongChainIsNoLongerThanItsNodes) {
  Bench bench;
  constexpr int kNodes = 10000;
  json::object prompt;
  prompt["0"] = json::object{{"class_type", "Value"}, {"inputs", json::object{{"value", 0}}}};
  for (int i = 1; i < kNodes; ++i)
    prompt[std::to_string(i)] = json::object{{"class_type", "Add"}, {"inputs", json::object{{"a", json::array{json::value(std::to_string(i - 1)), 0}}, {"b", 1}}}};
  prompt["last"] = json::object{{"class_type", "Show"}, {"inputs", json::object{{"value", json::array{json::value(std::to_string(kNodes - 1)), 0}}}}};
  Job job;
  job.id = "chain";
  job.prompt = std::move(prompt);
  job.outputs = {"last"};
  const auto begin = std::chrono::steady_clock::now();
  bench.executor().run(job, bench.log.sink(), bench.interrupt);
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
  RecordProperty("us_per_node", std::to_string(took.count() / kNodes));
  ASSERT_NE(bench.log.last<NodeExecuted>(), nullptr);
  EXPECT_EQ(dump(bench.log.last<NodeExecuted>()->output), "{\"text\":[\"9999\"]}");
  EXPECT_EQ(bench.log.events().size(), 2u + 2u * (kNodes + 1) + 1u + 1u);
  // Quadratic work would take minutes here; the bound only has to tell these apart on a busy machine.
  EXPECT_LT(took.count() / kNodes, 500);
}

}  // namespace
}  // namespace darkroom::testing_nodes
