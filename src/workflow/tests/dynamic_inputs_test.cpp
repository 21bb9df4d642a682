#include "workflow/dynamic_inputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rt_pack.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

std::vector<std::string> names(const NodeSchema& schema, std::string_view inputs) {
  std::vector<std::string> out;
  for (const auto& input : effective_inputs(schema, parse_json(inputs).as_object())) out.push_back(input.spec.name);
  return out;
}

ArgumentPaths paths(const NodeSchema& schema, std::string_view inputs) {
  const Graph graph = Graph::from_prompt({{"1", json::object{{"class_type", schema.node_class()}, {"inputs", parse_json(inputs)}}}});
  return argument_paths(schema, graph.nodes()[0]);
}

const NodeSchema& sum() {
  static const SchemaSet set = rt::schemas();
  return *set.find("RT3_Sum");
}

TEST(DynamicInputs, MembersAreThoseGivenInOrderOfTheirNumbers) {
  EXPECT_THAT(names(sum(), R"({"nums.num2": 1, "nums.num0": 2, "nums.num4": 3, "nums.num01": 4, "nums.numx": 5, "nums.num-1": 6, "nums.num": 7})"),
              ElementsAre("nums.num0", "nums.num2", "tag"));
}

TEST(DynamicInputs, ChoiceBringsItsInputs) {
  EXPECT_THAT(names(sum(), R"({"op": "times"})"), ElementsAre("op", "op.factor", "tag"));
  EXPECT_THAT(names(sum(), R"({"op": "plain", "op.factor": 3})"), ElementsAre("op", "tag"));
  EXPECT_THAT(names(sum(), R"({"op": {"__value__": "times"}})"), ElementsAre("op", "op.factor", "tag"));
  for (const char* odd : {R"({"op": "zzz"})", R"({"op": 3})", R"({"op": ["1", 0]})", "{}"}) EXPECT_THAT(names(sum(), odd), ElementsAre("tag")) << odd;
}

TEST(DynamicInputs, PathsSayWhereAValueGoes) {
  EXPECT_THAT(paths(sum(), R"({"nums.num0": ["2", 0], "nums.num1": 1, "op": "times", "op.factor": 3, "surplus": 1})"),
              UnorderedElementsAre(Pair("nums.num0", ElementsAre("nums", "num0")), Pair("nums.num1", ElementsAre("nums", "num1")), Pair("op", ElementsAre("op", "op")),
                                   Pair("op.factor", ElementsAre("op", "factor")), Pair("tag", ElementsAre("tag"))));
}

TEST(DynamicInputs, GroupsInsideGroups) {
  DynamicCombo inner{{{"deep", {make_input(Form::kV3, "x", Int{.value = 1})}}}};
  NodeSchema schema("Nest", Form::kV3);
  schema.input("mode", DynamicCombo{{{"on", {make_input(Form::kV3, "sub", inner), make_input(Form::kV3, "pics", Autogrow{"pic", Socket{"IMAGE"}, "pic", 1, 3})}}}});
  EXPECT_THAT(paths(schema, R"({"mode": "on", "mode.sub": "deep", "mode.sub.x": 4, "mode.pics.pic1": ["7", 0]})"),
              UnorderedElementsAre(Pair("mode", ElementsAre("mode", "mode")), Pair("mode.sub", ElementsAre("mode", "sub", "sub")),
                                   Pair("mode.sub.x", ElementsAre("mode", "sub", "x")), Pair("mode.pics.pic1", ElementsAre("mode", "pics", "pic1"))));
}

TEST(DynamicInputs, NestingHasALimit) {
  // A choice inside a choice inside ...: its inputs are expanded down to the limit, and the rest is left alone.
  DynamicCombo innermost{{{"on", {make_input(Form::kV3, "x", Int{.value = 1})}}}};
  json::object inputs{{"g", "on"}};
  std::string name = "g";
  for (int level = 0; level < 12; ++level) {
    innermost = DynamicCombo{{{"on", {make_input(Form::kV3, "g", innermost)}}}};
    inputs[name += ".g"] = "on";
  }
  NodeSchema schema("Deep", Form::kV3);
  schema.input("g", innermost);
  EXPECT_EQ(names(schema, dump(inputs)).size(), 9u) << "eight groups inside the first";
}

TEST(DynamicInputs, SlotBringsItsInputsWhenGiven) {
  InputSpec slot;
  slot.type = "COMFY_DYNAMICSLOT_V3";
  slot.options = parse_json(R"({"slotType": "IMAGE", "inputs": {"required": {"strength": ["FLOAT", {"min": 0}]}, "optional": {"mask": ["MASK", {}]}}})").as_object();
  NodeSchema schema("Slot", Form::kV3);
  schema.input("picture", slot);
  EXPECT_THAT(names(schema, "{}"), ElementsAre("picture"));
  EXPECT_THAT(names(schema, R"({"picture": ["1", 0]})"), ElementsAre("picture", "picture.strength", "picture.mask"));
  const auto inputs = effective_inputs(schema, parse_json(R"({"picture": ["1", 0]})").as_object());
  EXPECT_EQ(inputs[0].spec.type, "IMAGE");
  EXPECT_EQ(inputs[2].spec.section, Section::kOptional);
}

TEST(DynamicInputs, MembersByName) {
  InputSpec group;
  group.type = "COMFY_AUTOGROW_V3";
  group.options = parse_json(R"({"template": {"input": {"required": {"v": ["INT", {"max": 3}]}}, "names": ["left", "right"], "min": 1}})").as_object();
  NodeSchema schema("Named", Form::kV3);
  schema.input("sides", group);
  EXPECT_THAT(names(schema, R"({"sides.right": 1, "sides.other": 2})"), ElementsAre("sides.right"));
}

TEST(DynamicInputs, OrdinaryClassesHaveNone) {
  const SchemaSet set = rt::schemas();
  EXPECT_TRUE(has_dynamic_inputs(*set.find("RT3_Sum")));
  EXPECT_FALSE(has_dynamic_inputs(*set.find("RT_Types")));
}

}  // namespace
}  // namespace darkroom
