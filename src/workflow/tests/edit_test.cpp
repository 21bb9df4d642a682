#include "workflow/edit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "rt_pack.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

json::object sample() {
  return parse_json(R"({
    "6": {"class_type": "RT3_Join", "inputs": {"text": "a", "n": 1, "mode": "plain"}, "_meta": {"title": "Positive"}},
    "7": {"class_type": "RT3_Join", "inputs": {"text": "b", "n": 1, "mode": "plain"}, "_meta": {"title": "Negative"}},
    "v1.0": {"class_type": "RT_Types", "inputs": {"i": 1, "f": 0.5, "s": "x", "b": true, "c": "red", "k": "x"}},
    "9": {"class_type": "RT3_Sum", "inputs": {"nums.num0": ["v1.0", 0], "op": "plain"}}})").as_object();
}

const SchemaSet& schemas() {
  static const SchemaSet set = rt::schemas();
  return set;
}

/// Dump of one node's inputs after an edit.
std::string edited(const char* id, std::string_view edit, const SchemaSet* set = &schemas()) {
  json::object prompt = sample();
  apply_edit(prompt, edit, set);
  return dump(prompt.at(id).at("inputs"));
}

std::string refusal(std::string_view edit, const SchemaSet* set = &schemas()) {
  try {
    json::object prompt = sample();
    apply_edit(prompt, edit, set);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "";
}

TEST(ApplyEdit, ByIdTitleOrClass) {
  EXPECT_EQ(edited("6", "6.text=a = b"), R"({"text":"a = b","n":1,"mode":"plain"})");
  EXPECT_EQ(edited("7", "negative.text=dull"), R"({"text":"dull","n":1,"mode":"plain"})");
  EXPECT_EQ(edited("v1.0", "RT_Types.i=4"), R"({"i":4,"f":0.5,"s":"x","b":true,"c":"red","k":"x"})");
  EXPECT_EQ(edited("v1.0", "v1.0.i=4"), R"({"i":4,"f":0.5,"s":"x","b":true,"c":"red","k":"x"})") << "an id with a dot";
  EXPECT_EQ(edited("v1.0", "s=only one"), R"({"i":1,"f":0.5,"s":"only one","b":true,"c":"red","k":"x"})");
}

TEST(ApplyEdit, ValuesTakeTheTypeOfTheInput) {
  EXPECT_EQ(edited("6", "6.text=42"), R"({"text":"42","n":1,"mode":"plain"})");
  EXPECT_EQ(edited("v1.0", "RT_Types.f=1"), R"({"i":1,"f":1.0,"s":"x","b":true,"c":"red","k":"x"})");
  EXPECT_EQ(edited("v1.0", "RT_Types.b=off"), R"({"i":1,"f":0.5,"s":"x","b":false,"c":"red","k":"x"})");
  EXPECT_EQ(edited("v1.0", "RT_Types.o=3"), R"({"i":1,"f":0.5,"s":"x","b":true,"c":"red","k":"x","o":3})") << "declared, but not given so far";
  EXPECT_EQ(edited("6", "6.text=42", nullptr), R"({"text":42,"n":1,"mode":"plain"})");
  EXPECT_EQ(edited("6", "6.text=a cat", nullptr), R"({"text":"a cat","n":1,"mode":"plain"})");
}

TEST(ApplyEdit, DottedInputs) {
  json::object prompt = sample();
  apply_edit(prompt, "9.op=times", &schemas());
  apply_edit(prompt, "RT3_Sum.op.factor=3", &schemas());
  apply_edit(prompt, R"(9.nums.num0=["6", 1])", nullptr);
  EXPECT_EQ(dump(prompt.at("9").at("inputs")), R"({"nums.num0":["6",1],"op":"times","op.factor":3})");
}

TEST(ApplyEdit, FaultsNameTheCandidates) {
  EXPECT_THAT(refusal("text"), HasSubstr("expected NODE.INPUT=VALUE"));
  EXPECT_THAT(refusal("=x"), HasSubstr("expected NODE.INPUT=VALUE"));
  EXPECT_EQ(refusal("5.text=x"), "edit \"5.text=x\": no node has the id, title or class \"5\"; there are 6 (RT3_Join, \"Positive\"), 7 (RT3_Join, \"Negative\"), v1.0 (RT_Types), 9 (RT3_Sum)");
  EXPECT_EQ(refusal("RT3_Join.text=x"), "edit \"RT3_Join.text=x\": \"RT3_Join\" means 2 nodes: 6 (RT3_Join, \"Positive\"), 7 (RT3_Join, \"Negative\"); use an id");
  EXPECT_EQ(refusal("text=x"), "edit \"text=x\": \"text\" means 2 nodes: 6 (RT3_Join, \"Positive\"), 7 (RT3_Join, \"Negative\"); use an id");
  EXPECT_EQ(refusal("6.words=x"), "edit \"6.words=x\": node 6 (RT3_Join, \"Positive\") has no input \"words\"; it has text, n, mode, f, tag");
  EXPECT_EQ(refusal("6.f=1", nullptr), "edit \"6.f=1\": node 6 (RT3_Join, \"Positive\") has no input \"f\"; it has text, n, mode");
  EXPECT_EQ(refusal("nothing=1"), "edit \"nothing=1\": no node has an input \"nothing\" with a value");
  EXPECT_EQ(refusal("6.n=many"), "edit \"6.n=many\": input \"n\" takes INT: invalid literal for int() with base 10: 'many'");
  EXPECT_THAT(refusal("v1.0.b=perhaps"), HasSubstr("expected true or false"));
}

TEST(ApplyEdit, NamesAFewCandidates) {
  const auto told = [](int nodes) {
    json::object prompt;
    for (int i = 0; i < nodes; ++i) prompt["n" + std::to_string(i)] = json::object{{"class_type", "K"}, {"inputs", json::object{{"x", 1}}}};
    try {
      apply_edit(prompt, "K.x=1", nullptr);
    } catch (const InvalidInput& fault) {
      return std::string(fault.what());
    }
    return std::string();
  };
  EXPECT_THAT(told(12), AllOf(HasSubstr("n11 (K)"), Not(HasSubstr("more"))));
  EXPECT_THAT(told(13), AllOf(Not(HasSubstr("n12 (K)")), HasSubstr("and 1 more")));
}

TEST(Seeds, AreSetWhereTheyAreConstants) {
  json::object prompt = parse_json(R"({"1": {"class_type": "K", "inputs": {"seed": 1}}, "2": {"class_type": "R", "inputs": {"noise_seed": 2}},
                                       "3": {"class_type": "K", "inputs": {"seed": ["9", 0]}}, "4": {"class_type": "X"}})").as_object();
  EXPECT_EQ(set_seeds(prompt, 18446744073709551615u), 2u);
  EXPECT_EQ(dump(prompt.at("1")), R"({"class_type":"K","inputs":{"seed":18446744073709551615}})");
  set_seeds(prompt, 7);
  EXPECT_TRUE(prompt.at("2").at("inputs").at("noise_seed").is_int64());
  std::uint64_t next = ~std::uint64_t{0};
  const auto set = randomize_seeds(prompt, [&] { return next--; });
  EXPECT_EQ(dump(set), R"({"1.seed":9007199254740991,"2.noise_seed":9007199254740991})");
  EXPECT_EQ(dump(prompt.at("3")), R"({"class_type":"K","inputs":{"seed":["9",0]}})");
}

}  // namespace
}  // namespace darkroom
