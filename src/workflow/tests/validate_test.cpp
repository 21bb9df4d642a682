#include "workflow/validate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "rt_pack.hpp"
#include "workflow/graph.hpp"
#include "workflow/limits.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Run {
  json::object prompt;
  Validation result;
  /// Dump of the errors of one node.
  std::string errors(const char* id) const { return dump(result.node_errors.at(id).at("errors")); }
  std::string type(const char* id, std::size_t i = 0) const { return std::string(result.node_errors.at(id).at("errors").as_array().at(i).at("type").as_string()); }
  std::string details(const char* id, std::size_t i = 0) const { return std::string(result.node_errors.at(id).at("errors").as_array().at(i).at("details").as_string()); }
  std::string dependents(const char* id) const { return dump(result.node_errors.at(id).at("dependent_outputs")); }
};

Run check(json::object prompt, const std::vector<std::string>* targets = nullptr, SchemaSet schemas = rt::schemas(), rt::FixedLists lists = {}) {
  Run run{std::move(prompt), {}};
  run.result = validate(run.prompt, schemas, lists, targets, rt::ask);
  return run;
}
Run check(std::string_view text) { return check(parse_json(text).as_object()); }

TEST(Validate, CircleIsReportedOnEachOfItsNodes) {
  const auto run = check(R"({"1": {"class_type": "RT_Add", "inputs": {"a": ["2", 0], "b": 1}}, "2": {"class_type": "RT_Add", "inputs": {"a": ["1", 0], "b": 1}},
                             "3": {"class_type": "RT_Show", "inputs": {"value": ["1", 0]}}})");
  EXPECT_FALSE(run.result.ok);
  EXPECT_EQ(run.result.error.at("type"), "prompt_outputs_failed_validation");
  EXPECT_EQ(run.type("1"), "dependency_cycle");
  EXPECT_EQ(run.details("1"), "1 (RT_Add) -> 2 (RT_Add) -> 1 (RT_Add)");
  EXPECT_EQ(run.details("2"), "2 (RT_Add) -> 1 (RT_Add) -> 2 (RT_Add)");
  EXPECT_EQ(run.dependents("2"), R"(["3"])");
  EXPECT_FALSE(run.result.node_errors.contains("3"));
}

TEST(Validate, CircleSpoilsOnlyTheOutputsAboveIt) {
  const auto run = check(R"({"1": {"class_type": "RT_Add", "inputs": {"a": ["1", 0], "b": 1}}, "2": {"class_type": "RT_Show", "inputs": {"value": ["1", 0]}},
                             "3": {"class_type": "RT_Show", "inputs": {"value": 1}}, "4": {"class_type": "RT_Show", "inputs": {"value": ["2", 0]}}})");
  EXPECT_TRUE(run.result.ok);
  EXPECT_THAT(run.result.outputs, ElementsAre("3"));
  EXPECT_EQ(run.dependents("1"), R"(["2","4"])");
}

TEST(Validate, DependentOutputsNameOnlyThoseThatDepend) {
  const auto run = check(R"({"1": {"class_type": "RT_Add", "inputs": {"a": "x", "b": 1}}, "2": {"class_type": "RT_Need", "inputs": {"value": 100}},
                             "3": {"class_type": "RT_Show", "inputs": {"value": ["1", 0]}}, "4": {"class_type": "RT_Show", "inputs": {"value": ["3", 0]}}})");
  EXPECT_EQ(run.dependents("1"), R"(["3","4"])");
  EXPECT_EQ(run.dependents("2"), R"(["2"])");
}

TEST(Validate, ErrorsStandInTheOrderOfInputTypes) {
  const auto run = check(R"({"1": {"class_type": "RT_Types", "inputs": {"k": "no", "c": "no", "i": 99, "f": -1, "s": 1, "b": 1, "tag": ["2"]}},
                             "2": {"class_type": "RT_Show", "inputs": {"value": ["1", 0]}}})");
  std::vector<std::string> names;
  for (const auto& fault : run.result.node_errors.at("1").at("errors").as_array()) names.emplace_back(fault.at("extra_info").at("input_name").as_string());
  EXPECT_THAT(names, ElementsAre("i", "f", "c", "k", "tag"));
}

TEST(Validate, PartialTargetsChooseAmongOutputs) {
  const json::object prompt = parse_json(R"({"1": {"class_type": "RT_Show", "inputs": {"value": 1}}, "2": {"class_type": "RT_Show", "inputs": {}}})").as_object();
  const std::vector<std::string> first{"1"}, none{"9"};
  const auto run = check(prompt, &first);
  EXPECT_THAT(run.result.outputs, ElementsAre("1"));
  EXPECT_TRUE(run.result.node_errors.empty());
  EXPECT_EQ(check(prompt, &none).result.error.at("type"), "prompt_no_outputs");
}

TEST(Validate, NodeThatIsNoObjectIsRefused) {
  const auto run = check(json::object{{"1", 5}});
  EXPECT_EQ(run.result.error.at("type"), "invalid_prompt");
  EXPECT_EQ(run.result.error.at("details"), "Node ID '#1'");
  EXPECT_EQ(check(R"({"1": {"class_type": ["x"], "inputs": {}}})").result.error.at("message"), "Cannot execute because node ['x'] does not exist.");
}

TEST(Validate, InputsThatAreNoObject) {
  EXPECT_EQ(check(R"({"1": {"class_type": "RT_Show", "inputs": null}})").details("1"), "argument of type 'NoneType' is not iterable");
  EXPECT_EQ(check(R"({"1": {"class_type": "RT_Show", "inputs": 4}})").details("1"), "argument of type 'int' is not iterable");
  EXPECT_EQ(check(R"({"1": {"class_type": "RT_Show", "inputs": ["x"]}})").type("1"), "required_input_missing");
}

TEST(Validate, OddLinks) {
  const auto link = [](const std::string& text) {
    return check(R"({"1": {"class_type": "RT_Dummy", "inputs": {}}, "3": {"class_type": "RT3_Join", "inputs": {"text": "a", "n": 1, "mode": "plain"}},
                     "2": {"class_type": "RT_Show", "inputs": {"value": )" + text + "}}}");
  };
  EXPECT_EQ(link(R"(["1", 1.0])").details("2"), "tuple indices must be integers or slices, not float");
  EXPECT_EQ(link(R"(["1", null])").details("2"), "tuple indices must be integers or slices, not NoneType");
  EXPECT_EQ(link(R"(["3", "x"])").details("2"), "list indices must be integers or slices, not str");
  EXPECT_EQ(link(R"(["3", 7])").details("2"), "list index out of range");
  EXPECT_EQ(link(R"([[1], 0])").details("2"), "unhashable type: 'list'");
  EXPECT_EQ(link(R"([null, 0])").details("2"), "None");
  EXPECT_EQ(link(R"(["1", -3])").details("2"), "tuple index out of range");
  EXPECT_EQ(link(R"(["1", 18446744073709551615])").details("2"), "tuple index out of range");
  EXPECT_TRUE(link(R"(["1", -1])").result.ok);
  const auto truth = link(R"(["1", true])");  // Python's True is the index 1
  EXPECT_TRUE(truth.result.ok);
  EXPECT_EQ(dump(truth.prompt.at("2").at("inputs").at("value")), R"(["1",1])");
}

TEST(Validate, SelfLinkToAMissingNodeInAnUndeclaredInputPasses) {
  // It fails its own prompt when it runs; here it must only do no harm.
  EXPECT_TRUE(check(R"({"1": {"class_type": "RT_Show", "inputs": {"value": 1, "surplus": ["99", 0]}}})").result.ok);
}

TEST(Validate, WrappedListThatLooksLikeALinkStaysAConstant) {
  const auto run = check(R"({"1": {"class_type": "RT_Show", "inputs": {"value": {"__value__": ["99", 0]}}}})");
  EXPECT_TRUE(run.result.ok);
  const Graph graph = Graph::from_prompt(run.prompt);
  ASSERT_NE(graph.find("1")->find("value")->constant(), nullptr);
  EXPECT_EQ(dump(*graph.find("1")->find("value")->constant()), R"(["99",0])");
  EXPECT_EQ(dump(check(R"({"1": {"class_type": "RT_Show", "inputs": {"value": {"__value__": [1, 2, 3]}}}})").prompt.at("1").at("inputs").at("value")), "[1,2,3]");
}

TEST(Validate, FileThatMustExist) {
  SchemaSet schemas = rt::schemas();
  Combo image = files("image");
  image.must_exist = true;
  schemas.add(NodeSchema("Load", Form::kV1).input("image", image).output(Image{}));
  schemas.add(NodeSchema("View", Form::kV1).input("images", Image{}).output_node());
  rt::FixedLists lists;
  lists.names = {"a.png"};
  const auto load = [&](json::object inputs) {
    return check({{"1", json::object{{"class_type", "Load"}, {"inputs", std::move(inputs)}}},
                  {"2", json::object{{"class_type", "View"}, {"inputs", {{"images", json::array{"1", 0}}}}}},
                  {"3", json::object{{"class_type", "RT3_Join"}, {"inputs", {{"text", "a"}, {"n", 1}, {"mode", "plain"}}}}}},
                 nullptr, schemas, lists);
  };
  EXPECT_TRUE(load({{"image", "a.png"}}).result.ok);
  EXPECT_EQ(load({{"image", "b.png"}}).errors("1"),
            R"([{"type":"custom_validation_failed","message":"Custom validation failed for node","details":"image - Invalid image file: b.png","extra_info":{"input_name":"image"}}])");
  EXPECT_EQ(load({}).details("1"), "Load.VALIDATE_INPUTS() missing 1 required positional argument: 'image'");
  EXPECT_EQ(load({{"image", 5}}).details("1"), "'int' object has no attribute 'endswith'");
  // As ComfyUI: a linked name is not known yet, and a text does not fit an old-form list anyway.
  EXPECT_EQ(load({{"image", json::array{"3", 0}}}).type("1"), "exception_during_inner_validation");
}

TEST(Validate, ListsOfFilesAreEnforcedEvenWhenEmptyAndAskedForOnce) {
  SchemaSet schemas = rt::schemas();
  schemas.add(NodeSchema("Model", Form::kV3).input("model_name", models("upscale_models")).output("UPSCALE_MODEL"));
  json::object prompt;
  for (int i = 0; i < 50; ++i) {
    prompt["m" + std::to_string(i)] = json::object{{"class_type", "Model"}, {"inputs", {{"model_name", "x.pth"}}}};
    prompt["s" + std::to_string(i)] = json::object{{"class_type", "RT_Show"}, {"inputs", {{"value", json::array{"m" + std::to_string(i), 0}}}}};
  }
  rt::FixedLists lists;
  const Validation result = validate(prompt, schemas, lists);
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.node_errors.at("m7").at("errors").at(0).at("details"), "model_name: 'x.pth' not in []");
  EXPECT_EQ(lists.asked, 1);
}

TEST(Validate, ChoicesThatOnlyTheEditorKnowsAreNotChecked) {
  SchemaSet schemas = rt::schemas();
  Combo remote;
  remote.new_form = true;
  remote.common.extra = {{"remote", json::object{{"route", "/internal/files/output"}}}};
  schemas.add(NodeSchema("Pick", Form::kV3).input("choice", Combo{}).input("far", remote).output("STRING"));
  EXPECT_TRUE(check(parse_json(R"({"1": {"class_type": "Pick", "inputs": {"choice": "any", "far": "thing"}},
                                   "2": {"class_type": "RT_Show", "inputs": {"value": ["1", 0]}}})").as_object(), nullptr, schemas).result.ok);
}

TEST(Validate, MultiselectIsCheckedItemByItem) {
  SchemaSet schemas = rt::schemas();
  Combo many{"a", "b", "c"};
  many.common.extra = {{"multi_select", true}};
  schemas.add(NodeSchema("Many", Form::kV1).input("picks", many).output("STRING"));
  const auto pick = [&](std::string_view list) {
    return check(parse_json(R"({"1": {"class_type": "Many", "inputs": {"picks": {"__value__": )" + std::string(list) + R"(}}}, "2": {"class_type": "RT_Show", "inputs": {"value": ["1", 0]}}})").as_object(),
                 nullptr, schemas);
  };
  EXPECT_TRUE(pick(R"(["a", "c"])").result.ok);
  EXPECT_EQ(pick(R"(["a", "z"])").type("1"), "value_not_in_list");
}

TEST(Validate, ErrorOfTheAskedWorkerIsAnException) {
  SchemaSet schemas = rt::schemas();
  rt::FixedLists lists;
  json::object prompt = parse_json(R"({"1": {"class_type": "RT_Check", "inputs": {"verdict": "x", "n": 1}}, "2": {"class_type": "RT_Show", "inputs": {"value": ["1", 0]}}})").as_object();
  const auto slow = [](const std::string&, const json::object&, const json::object&) -> json::value { throw Error(ErrorKind::kTimeout, "no answer within 5 s"); };
  const Validation result = validate(prompt, schemas, lists, nullptr, slow);
  EXPECT_EQ(result.node_errors.at("1").at("errors").at(0).at("extra_info").at("exception_type"), "TimeoutError");
  EXPECT_FALSE(validate(prompt, schemas, lists).ok) << "nobody to ask is a fault too";
}

TEST(Validate, LongValuesAreCutInDetails) {
  const auto run = check(json::object{{"1", json::object{{"class_type", "RT_Need"}, {"inputs", {{"value", std::string(100'000, 'x')}}}}}});
  EXPECT_LT(run.details("1").size(), 3 * limits::kMaxValueText);
}

TEST(Validate, ChoicesAreNamedUpToALimit) {
  const auto details = [](std::size_t count) {
    Combo choices;
    for (std::size_t i = 0; i < count; ++i) choices.choices.push_back("c" + std::to_string(i));
    NodeSchema schema("Choose", Form::kV1);
    schema.input("which", choices).output_node();
    SchemaSet set;
    set.add(std::move(schema));
    return check(json::object{{"1", json::object{{"class_type", "Choose"}, {"inputs", {{"which", "none"}}}}}}, nullptr, std::move(set)).details("1");
  };
  EXPECT_THAT(details(limits::kMaxChoicesShown), HasSubstr("'c19'"));
  EXPECT_THAT(details(limits::kMaxChoicesShown + 1), HasSubstr("(list of length 21)"));
}

json::object chain(int length, const json::value& first) {
  json::object prompt;
  for (int i = length; i-- > 0;) {  // the order of the prompt is against the links
    json::value a = i == 0 ? first : json::value(json::array{std::to_string(i - 1), 0});
    prompt[std::to_string(i)] = json::object{{"class_type", "RT_Add"}, {"inputs", {{"a", std::move(a)}, {"b", 1}}}};
  }
  prompt["show"] = json::object{{"class_type", "RT_Show"}, {"inputs", {{"value", json::array{std::to_string(length - 1), 0}}}}};
  return prompt;
}

TEST(Validate, ChainOfTenThousandNodes) {
  const auto good = check(chain(10'000, 1));
  EXPECT_TRUE(good.result.ok);
  const auto bad = check(chain(10'000, "x"));
  EXPECT_FALSE(bad.result.ok);
  EXPECT_EQ(bad.result.node_errors.size(), 1u);
  EXPECT_EQ(bad.dependents("0"), R"(["show"])");
}

TEST(Validate, CircleOfTenThousandNodesIsShownInPart) {
  const auto run = check(chain(10'000, json::array{"9999", 0}));
  EXPECT_EQ(run.result.node_errors.size(), 10'000u);
  EXPECT_THAT(run.details("0"), HasSubstr("... (10000 nodes) -> 0 (RT_Add)"));
  EXPECT_LT(run.details("0").size(), 5000u);
}

TEST(Validate, SharedFaultNamesAtMostTheLimitOfOutputs) {
  json::object prompt{{"bad", json::object{{"class_type", "RT_Add"}, {"inputs", {{"a", "x"}, {"b", 1}}}}}};
  for (int i = 0; i < 5'000; ++i) prompt["o" + std::to_string(i)] = json::object{{"class_type", "RT_Show"}, {"inputs", {{"value", json::array{"bad", 0}}}}};
  const auto run = check(std::move(prompt));
  EXPECT_EQ(run.result.node_errors.size(), 1u);
  EXPECT_EQ(run.result.node_errors.at("bad").at("dependent_outputs").as_array().size(), limits::kMaxDependentOutputs);
}

TEST(ValidateLimits, NodesAtTheEdge) {
  json::object prompt;
  for (std::size_t i = 0; i < limits::kMaxNodes; ++i) prompt[std::to_string(i)] = json::object{{"class_type", "RT_Show"}, {"inputs", {{"value", 1}}}};
  EXPECT_TRUE(check(prompt).result.ok);
  prompt["one more"] = json::object{{"class_type", "RT_Show"}, {"inputs", {{"value", 1}}}};
  const auto run = check(std::move(prompt));
  EXPECT_EQ(run.result.error.at("type"), "invalid_prompt");
  EXPECT_THAT(std::string(run.result.error.at("message").as_string()), HasSubstr("at most 20000"));
}

TEST(ValidateLimits, InputsAtTheEdge) {
  json::object inputs{{"value", 1}};
  while (inputs.size() < limits::kMaxInputsPerNode) inputs["x" + std::to_string(inputs.size())] = 1;
  const auto with = [](const json::object& given) { return check(json::object{{"1", json::object{{"class_type", "RT_Show"}, {"inputs", given}}}}); };
  EXPECT_TRUE(with(inputs).result.ok);
  inputs["one more"] = 1;
  EXPECT_EQ(with(inputs).result.error.at("details"), "Node ID '#1': 1001 inputs");
}

TEST(ValidateLimits, IdAtTheEdge) {
  const auto with = [](std::size_t bytes) { return check(json::object{{std::string(bytes, 'i'), json::object{{"class_type", "RT_Show"}, {"inputs", {{"value", 1}}}}}}); };
  EXPECT_TRUE(with(limits::kMaxNodeIdBytes).result.ok);
  EXPECT_EQ(with(limits::kMaxNodeIdBytes + 1).result.error.at("type"), "invalid_prompt");
}

}  // namespace
}  // namespace darkroom
