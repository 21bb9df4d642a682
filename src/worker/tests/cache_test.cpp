// What is kept between prompts (protocol.md §7).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "testing.hpp"
#include "worker/signature.hpp"

namespace darkroom::testing_nodes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kGraph = R"({"1": ["Value", {"value": 1}], "2": ["Show", {"value": ["1", 0]}]})";
constexpr const char* kRenamed = R"({"x": ["Value", {"value": true}], "y": ["Show", {"value": ["x", 0]}]})";
constexpr const char* kOther = R"({"1": ["Value", {"value": 2}], "2": ["Show", {"value": ["1", 0]}]})";

TEST(Cache, AnUnchangedPromptReportsItsOutputs) {
  Bench bench;
  bench.run(kGraph, {"2"});
  EXPECT_EQ(bench.run(kGraph, {"2"}), "cached 1,2 | executed 2 {\"text\":[\"1\"]} | reported 2 | success");
}

TEST(Cache, RenamingNodesKeepsIt) {
  Bench bench;
  bench.run(kGraph, {"2"});
  EXPECT_EQ(bench.run(kRenamed, {"y"}), "cached x,y | executed y {\"text\":[\"1\"]} | reported y | success");
}

TEST(Cache, AnIdCountsWhereTheClassAsksForIt) {
  Bench bench;
  add(bench.registry, schema("Own").hidden("uid", "UNIQUE_ID").output("*"), [](const Inputs& in, Context&) { return Outputs{in.at("uid")}; });
  bench.run(R"({"1": ["Own", {}], "2": ["Quiet", {"value": ["1", 0]}]})", {"2"});
  EXPECT_THAT(bench.run(R"({"3": ["Own", {}], "2": ["Quiet", {"value": ["3", 0]}]})", {"2"}), StartsWith("cached  | start 3"));
}

TEST(Cache, ClassicForgetsWhatThePromptBeforeDidNotHave) {
  Bench bench;
  bench.run(kGraph, {"2"});
  bench.run(kOther, {"2"});
  EXPECT_THAT(bench.run(kGraph, {"2"}), StartsWith("cached  |"));
}

TEST(Cache, LruKeepsResultsOverPrompts) {
  Bench bench(CacheMode::kLru, 4);
  bench.run(kGraph, {"2"});
  bench.run(kOther, {"2"});
  EXPECT_THAT(bench.run(kGraph, {"2"}), StartsWith("cached 1,2 |"));
  bench.run(R"({"1": ["Value", {"value": 3}], "2": ["Show", {"value": ["1", 0]}]})", {"2"});
  bench.run(R"({"1": ["Value", {"value": 4}], "2": ["Show", {"value": ["1", 0]}]})", {"2"});
  EXPECT_THAT(bench.run(kOther, {"2"}), StartsWith("cached  |"));
}

TEST(Cache, NoneRunsEverythingAlways) {
  Bench bench(CacheMode::kNone);
  constexpr const char* kEqual = R"({"p": ["Value", {"value": 1}], "q": ["Value", {"value": 1}], "r": ["Add", {"a": ["p", 0], "b": ["q", 0]}], "s": ["Quiet", {"value": ["r", 0]}]})";
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(bench.run(kEqual, {"s"}), "cached  | start q | finish q | start p | finish p | start r | finish r | start s | finish s | success");
}

/// An object that says how many of its kind are alive.
struct Counted final : Object {
  explicit Counted(std::shared_ptr<int> alive_) : alive(std::move(alive_)) { ++*alive; }
  ~Counted() override { --*alive; }
  std::string describe() const override { return "Counted()"; }
  std::size_t bytes() const override { return 1000; }
  std::shared_ptr<int> alive;
};

TEST(Cache, NoneLetsValuesGoAsSoonAsNobodyNeedsThem) {
  Bench bench(CacheMode::kNone);
  auto alive = std::make_shared<int>(0);
  int most = 0;
  add(bench.registry, schema("Big").input("after", Any{}).output("*"), [&](const Inputs&, Context&) {
    Outputs outputs{std::shared_ptr<const Object>(std::make_shared<const Counted>(alive))};
    most = std::max(most, *alive);
    return outputs;
  });
  bench.run(R"({"1": ["Big", {"after": 1}], "2": ["Big", {"after": ["1", 0]}], "3": ["Big", {"after": ["2", 0]}], "4": ["Big", {"after": ["3", 0]}],
               "5": ["Quiet", {"value": ["4", 0]}]})", {"5"});
  EXPECT_EQ(most, 2) << "a node's input and its output, no more";
  EXPECT_EQ(*alive, 0);
}

TEST(Cache, ALazySourceIsKeptForItsAskerWithoutACache) {
  Bench bench(CacheMode::kNone);
  EXPECT_EQ(bench.run(R"({"1": ["Value", {"value": 1}], "2": ["Value", {"value": ["1", 0]}],
                          "3": ["Pick", {"b_wanted": ["2", 0], "a": 0, "b": ["1", 0]}], "4": ["Quiet", {"value": ["3", 0]}]})", {"4"}),
            "cached  | start 1 | finish 1 | start 2 | finish 2 | start 3 | start 3 | finish 3 | start 4 | finish 4 | success");
}

TEST(Cache, AFailedPromptKeepsWhatWasDone) {
  Bench bench;
  constexpr const char* kFails = R"({"1": ["Value", {"value": 1}], "2": ["Fail", {"message": "x", "thing": ["1", 0]}], "3": ["Quiet", {"value": ["2", 0]}]})";
  bench.run(kFails, {"3"});
  EXPECT_THAT(bench.run(kFails, {"3"}), StartsWith("cached 1 | start 2 | failed 2"));
}

TEST(Cache, MarksDecide) {
  Bench bench;
  json::value mark = "a";
  NodeClass entry = add(bench.registry, schema("Marked").input("value", Any{}).output("*").fingerprinted(), [](const Inputs& in, Context& context) {
    EXPECT_TRUE(context.prompt().at("1").as_object().contains("is_changed"));
    return Outputs{in.at("value")};
  });
  entry.fingerprint = [&](const Inputs&, const Folders&) -> json::value {
    if (mark.is_null()) throw InvalidInput("no mark");
    return mark;
  };
  bench.registry.add(entry);
  constexpr const char* kMarked = R"({"1": ["Marked", {"value": 1}], "2": ["Quiet", {"value": ["1", 0]}]})";
  bench.run(kMarked, {"2"});
  EXPECT_THAT(bench.run(kMarked, {"2"}), StartsWith("cached 1,2 |"));
  mark = "b";
  EXPECT_THAT(bench.run(kMarked, {"2"}), StartsWith("cached  | start 1"));
  mark = std::numeric_limits<double>::quiet_NaN();
  for (int i = 0; i < 2; ++i) EXPECT_THAT(bench.run(kMarked, {"2"}), StartsWith("cached  | start 1"));
  mark = nullptr;
  for (int i = 0; i < 2; ++i) EXPECT_THAT(bench.run(kMarked, {"2"}), StartsWith("cached  | start 1"));
}

TEST(Cache, MadeNodesLiveBelowTheirParent) {
  Bench bench;
  constexpr const char* kChain = R"({"1": ["Chain", {"start": 1, "links": 2, "extra": "show"}], "2": ["Quiet", {"value": ["1", 0]}]})";
  bench.run(kChain, {"2"});
  EXPECT_EQ(bench.run(kChain, {"2"}), "cached 1,2 | executed 2 null | reported 2 | success");
  // An equal node outside is another one.
  EXPECT_THAT(bench.run(R"({"1": ["Chain", {"start": 1, "links": 2, "extra": "show"}], "3": ["Add", {"a": 1, "b": 1}], "2": ["Quiet", {"value": ["3", 0]}]})", {"2"}),
              StartsWith("cached 1 | start 3"));
}

TEST(Cache, FreeEmptiesIt) {
  Bench bench;
  bench.run(kGraph, {"2"});
  bench.executor().free(true, false);
  EXPECT_THAT(bench.run(kGraph, {"2"}), StartsWith("cached 1,2 |"));
  bench.executor().free(false, true);
  EXPECT_EQ(bench.executor().cache().size(), 0u);
  EXPECT_THAT(bench.run(kGraph, {"2"}), StartsWith("cached  |"));
}

TEST(Cache, NodeObjectsLiveWithTheirIds) {
  Bench bench;
  static int made;
  made = 0;
  NodeClass entry;
  entry.schema = schema("Counting").input("value", Any{}).output_node();
  entry.make = [] {
    ++made;
    return std::make_unique<FunctionNode>([](const Inputs&, Context&) { return Outputs(); }, Wants{});
  };
  bench.registry.add(entry);
  bench.run(R"({"1": ["Counting", {"value": 1}]})", {"1"});
  bench.run(R"({"1": ["Counting", {"value": 2}]})", {"1"});
  EXPECT_EQ(made, 1);
  bench.run(R"({"2": ["Counting", {"value": 3}]})", {"2"});
  bench.run(R"({"1": ["Counting", {"value": 4}]})", {"1"});
  EXPECT_EQ(made, 3);
}

TEST(Cache, GivesMemoryBackBigAndOldFirst) {
  ResultCache cache(CacheMode::kLru, 100);
  const auto result = [](std::size_t bytes) {
    NodeResult made;
    made.bytes = bytes;
    return std::make_shared<const NodeResult>(made);
  };
  const Hash128 small{1, 1}, big{2, 2}, medium{3, 3};
  cache.put(small, small, result(10));
  cache.put(big, big, result(1000));
  cache.put(medium, medium, result(100));
  EXPECT_EQ(cache.bytes(), 1110u);
  EXPECT_EQ(cache.drop_until(500), 1000u);
  EXPECT_EQ(cache.find(big), nullptr);
  EXPECT_NE(cache.find(medium), nullptr);
  EXPECT_EQ(cache.drop_until(1 << 20), 110u);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(Cache, KeepsMemoryFreeBySizeAndAge) {
  ResultCache cache(CacheMode::kRam, 1000);
  const auto result = [](std::size_t bytes) {
    NodeResult made;
    made.bytes = bytes;
    return std::make_shared<const NodeResult>(made);
  };
  const Hash128 old{1, 1}, young{2, 2};
  cache.begin_prompt({});
  cache.put(old, old, result(100));
  for (int i = 0; i < 3; ++i) cache.begin_prompt({});
  cache.put(young, young, result(150));
  cache.keep_free(1000);
  EXPECT_EQ(cache.size(), 2u);
  cache.keep_free(950);  // 100 × 1.3³ is more than 150
  EXPECT_EQ(cache.find(old), nullptr);
  EXPECT_NE(cache.find(young), nullptr);
  cache.keep_free(0);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(Cache, ConstantsAreEqualAsInPython) {
  const auto form = [](const char* text) {
    std::string out;
    EXPECT_TRUE(append_constant(out, parse_json(text)));
    return out;
  };
  EXPECT_EQ(form("1"), form("1.0"));
  EXPECT_EQ(form("1"), form("true"));
  EXPECT_EQ(form("0"), form("-0.0"));
  EXPECT_EQ(form("18446744073709551615"), form("18446744073709551615"));
  EXPECT_EQ(form("9223372036854775808"), form("9223372036854775808.0"));
  EXPECT_EQ(form(R"({"a": 1, "b": 2})"), form(R"({"b": 2, "a": 1})"));
  EXPECT_NE(form("1"), form("\"1\""));
  EXPECT_NE(form("[1, [2]]"), form("[[1], 2]"));
  EXPECT_NE(form("null"), form("0"));
  EXPECT_NE(form("1.5"), form("1"));
  std::string out;
  EXPECT_FALSE(append_constant(out, json::array{1, std::numeric_limits<double>::quiet_NaN()}));
}

}  // namespace
}  // namespace darkroom::testing_nodes
