#include "workflow/import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "workflow/limits.hpp"
#include "workflow/object_info.hpp"
#include "workflow/types_meet.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
json::value read_json(const std::filesystem::path& path) { return parse_json(read_text(path)); }

/// The built-in classes, as ComfyUI describes them.
const SchemaSet& core() {
  static const SchemaSet set = read_object_info_text(read_text(DARKROOM_TEST_DATA "/golden/object_info_core.json"));
  return set;
}

json::object imported(std::string_view text) { return read_workflow_text(text, core()).prompt; }

std::string refusal(std::string_view text) {
  try {
    imported(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::vector<std::string> keys(const json::object& object) {
  std::vector<std::string> out;
  for (const auto& item : object) out.emplace_back(item.key());
  return out;
}

// -- the editor's form, against what the editor makes of it ------------------------------------------------------------

struct EditorFile : testing::TestWithParam<std::filesystem::path> {};

TEST_P(EditorFile, BecomesThePromptThatTheEditorMakes) {
  const json::value spec = read_json(GetParam());
  const ImportedWorkflow workflow = read_workflow(spec.at("editor"), core());
  EXPECT_EQ(workflow.form, WorkflowForm::kEditor);
  EXPECT_EQ(workflow.editor, spec.at("editor"));
  const auto& want = spec.at("prompt").as_object();
  EXPECT_EQ(keys(workflow.prompt), keys(want));
  for (const auto& [id, node] : want) {
    const auto* got = workflow.prompt.if_contains(id);
    ASSERT_NE(got, nullptr) << id;
    EXPECT_TRUE(python_equal(node, *got)) << id << "\nwant " << dump(node) << "\ngot  " << dump(*got);
    EXPECT_EQ(keys(got->at("inputs").as_object()), keys(node.at("inputs").as_object())) << "the order of inputs, node " << id;
  }
}

std::vector<std::filesystem::path> editor_files() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(DARKROOM_TEST_DATA "/workflows"))
    if (entry.path().extension() == ".json") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(Recorded, EditorFile, testing::ValuesIn(editor_files()), [](const auto& one) { return one.param.stem().string(); });

TEST(EditorForm, WidgetsOfOddFiles) {
  // A seed without the control's value, values by name, too few values, a list as a value.
  const auto prompt = imported(R"({"nodes": [
    {"id": 1, "type": "KSampler", "widgets_values": [7, 12]},
    {"id": 2, "type": "EmptyImage", "widgets_values": {"width": 5, "color": 9}},
    {"id": "a", "type": "Unheard", "inputs": [{"name": "seed", "widget": {"name": "seed"}}, {"name": "w", "widget": {"name": "w"}}], "widgets_values": [3, "fixed", [1, 2]]}],
    "links": [], "version": 0.4})");
  EXPECT_EQ(prompt.at("1").at("inputs").at("seed"), 7);
  EXPECT_EQ(prompt.at("1").at("inputs").at("steps"), 12);
  EXPECT_EQ(prompt.at("1").at("inputs").at("cfg"), 8.0);
  EXPECT_EQ(dump(prompt.at("2").at("inputs")), R"({"width":5,"height":512,"batch_size":1,"color":9})");
  EXPECT_EQ(dump(prompt.at("a").at("inputs")), R"({"seed":3,"w":{"__value__":[1,2]}})");
}

TEST(EditorForm, DamageIsNamed) {
  EXPECT_EQ(refusal(R"({"nodes": [{"type": "X"}], "links": []})"), "workflow: a node has no id");
  EXPECT_EQ(refusal(R"({"nodes": [{"id": 1}], "links": []})"), "workflow: node 1 has no type");
  EXPECT_EQ(refusal(R"({"nodes": [{"id": 1, "type": "A"}, {"id": 1, "type": "B"}], "links": []})"), "workflow: there are two nodes with the id 1");
  EXPECT_THAT(refusal(R"({"nodes": [{"id": 1, "type": "A"}], "links": [[1, 2]]})"), HasSubstr("damaged link [1,2]"));
  EXPECT_THAT(refusal(R"({"nodes": [{"id": 1, "type": "Note"}], "links": []})"), HasSubstr("nothing in it can run"));
  EXPECT_THAT(refusal(R"({"nodes": [{"id": 1, "type": "Reroute", "inputs": [{"name": "", "link": 2}], "outputs": [{"name": ""}]},
                                    {"id": 2, "type": "Reroute", "inputs": [{"name": "", "link": 1}], "outputs": [{"name": ""}]},
                                    {"id": 3, "type": "SaveImage", "inputs": [{"name": "images", "link": 3}]}],
                          "links": [[1, 1, 0, 2, 0, "*"], [2, 2, 0, 1, 0, "*"], [3, 2, 0, 3, 0, "*"]]})"),
              HasSubstr("circle"));
  // A link that is listed nowhere, and one from a node that is gone: the input is simply not given.
  EXPECT_EQ(dump(imported(R"({"nodes": [{"id": 3, "type": "PreviewImage", "inputs": [{"name": "images", "link": 9}]}, {"id": 4, "type": "PreviewImage", "inputs": [{"name": "images", "link": 1}]}],
                              "links": [[1, 77, 0, 4, 0, "IMAGE"]]})").at("4").at("inputs")), "{}");
}

TEST(EditorForm, SubgraphThatHoldsItselfIsRefused) {
  EXPECT_THAT(refusal(R"({"nodes": [{"id": 1, "type": "u"}], "links": [], "definitions": {"subgraphs": [{"id": "u", "nodes": [{"id": 1, "type": "u"}], "links": []}]}})"),
              HasSubstr("nested deeper than 16"));
  EXPECT_THAT(refusal(R"({"nodes": [{"id": 1, "type": "u"}], "links": [], "definitions": {"subgraphs": [{"id": "u", "nodes": [{"id": 1, "type": "u"}, {"id": 2, "type": "u"}], "links": []}]}})"),
              HasSubstr("nested deeper than 16"));
}

TEST(EditorForm, SubgraphsAtTheLimitOfNesting) {
  const auto nested = [](std::size_t levels) {
    json::array subgraphs;
    for (std::size_t level = 1; level <= levels; ++level) {
      const std::string inner = level == levels ? "PreviewImage" : "g" + std::to_string(level + 1);
      subgraphs.push_back({{"id", "g" + std::to_string(level)}, {"nodes", json::array{json::object{{"id", 1}, {"type", inner}}}}, {"links", json::array()}});
    }
    return dump(json::object{{"nodes", json::array{json::object{{"id", 1}, {"type", "g1"}}}}, {"links", json::array()},
                             {"definitions", json::object{{"subgraphs", subgraphs}}}});
  };
  EXPECT_EQ(imported(nested(limits::kMaxSubgraphNesting)).size(), 1u);
  EXPECT_THAT(refusal(nested(limits::kMaxSubgraphNesting + 1)), HasSubstr("nested deeper than 16"));
}

// -- the API form ------------------------------------------------------------------------------------------------------

TEST(ApiForm, IsTakenAsItIsAlsoWrapped) {
  const char* text = R"({"9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}, "_meta": {"title": "t"}}, "1": {"class_type": "EmptyImage", "inputs": {}}})";
  EXPECT_EQ(dump(imported(text)), dump(parse_json(text)));
  EXPECT_EQ(dump(imported(R"({"client_id": "c", "prompt": )" + std::string(text) + "}")), dump(parse_json(text)));
  EXPECT_EQ(read_workflow_text(text, core()).form, WorkflowForm::kApi);
  EXPECT_TRUE(read_workflow_text(text, core()).editor.is_null());
}

TEST(ApiForm, TextsThatLookLikeLinksStayTexts) {
  const auto workflow = read_workflow_text(R"({"6": {"class_type": "EmptyImage", "inputs": {"width": 8}}, "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "6.0"}}})", core());
  EXPECT_EQ(workflow.form, WorkflowForm::kApi);
  EXPECT_EQ(workflow.prompt.at("7").at("inputs").at("filename_prefix"), "6.0");
}

TEST(ApiForm, WhatIsNoWorkflowIsRefused) {
  EXPECT_EQ(refusal("[1]"), "workflow: expected a JSON object");
  EXPECT_EQ(refusal("{}"), "workflow: it has no nodes");
  EXPECT_THAT(refusal(R"({"name": "x"})"), HasSubstr("\"name\" is no node"));
  EXPECT_THAT(refusal("{"), HasSubstr("JSON"));
}

TEST(ApiForm, LimitsAtTheEdge) {
  json::object prompt;
  while (prompt.size() < limits::kMaxNodes) prompt[std::to_string(prompt.size())] = json::object{{"class_type", "A"}};
  EXPECT_NO_THROW(read_workflow(prompt, core()));
  prompt["more"] = json::object{{"class_type", "A"}};
  EXPECT_THROW(read_workflow(prompt, core()), TooLarge);
  EXPECT_NO_THROW(read_workflow(json::object{{std::string(limits::kMaxNodeIdBytes, 'x'), json::object{{"class_type", "A"}}}}, core()));
  EXPECT_THROW(read_workflow(json::object{{std::string(limits::kMaxNodeIdBytes + 1, 'x'), json::object{{"class_type", "A"}}}}, core()), TooLarge);
  json::object inputs;
  while (inputs.size() < limits::kMaxInputsPerNode) inputs["i" + std::to_string(inputs.size())] = 1;
  EXPECT_NO_THROW(read_workflow(json::object{{"1", json::object{{"class_type", "A"}, {"inputs", inputs}}}}, core()));
  inputs["more"] = 1;
  EXPECT_THROW(read_workflow(json::object{{"1", json::object{{"class_type", "A"}, {"inputs", inputs}}}}, core()), TooLarge);
}

TEST(ApiForm, DepthAtTheEdge) {
  const auto nested = [](std::size_t levels) {  // the prompt, the node and its inputs are three of them
    return R"({"1": {"class_type": "A", "inputs": {"x": )" + std::string(levels - 3, '[') + std::string(levels - 3, ']') + "}}}";
  };
  EXPECT_NO_THROW(imported(nested(limits::kMaxWorkflowDepth)));
  EXPECT_THROW(imported(nested(limits::kMaxWorkflowDepth + 1)), TooLarge);
}

// -- words for ids, texts for links --------------------------------------------------------------------------------------

TEST(TextLinks, BecomeLinks) {
  const auto workflow = read_workflow_text(R"({
    "load_image": {"class_type": "LoadImage", "inputs": {"image": "old.png"}},
    "load_model": {"type": "UpscaleModelLoader", "inputs": {"model_name": "x4.pth"}},
    "upscale": {"class_type": "ImageUpscaleWithModel", "inputs": {"image": "load_image.image", "upscale_model": "load_model"}, "title": "Bigger"},
    "save": {"class_type": "SaveImage", "inputs": {"images": "upscale.0", "filename_prefix": "upscale.png"}}})", core());
  EXPECT_EQ(workflow.form, WorkflowForm::kTextLinks);
  EXPECT_EQ(dump(workflow.prompt.at("upscale")), R"({"class_type":"ImageUpscaleWithModel","inputs":{"image":["load_image",0],"upscale_model":["load_model",0]},"_meta":{"title":"Bigger"}})");
  EXPECT_EQ(dump(workflow.prompt.at("save").at("inputs")), R"({"images":["upscale",0],"filename_prefix":"upscale.png"})");
  EXPECT_EQ(dump(workflow.prompt.at("load_model")), R"({"class_type":"UpscaleModelLoader","inputs":{"model_name":"x4.pth"}})");
}

TEST(TextLinks, NodesMayBeAListOrAnObjectOfTheirOwn) {
  const char* list = R"({"nodes": [{"id": "a", "type": "EmptyImage", "inputs": {"width": 8}}, {"id": 7, "type": "PreviewImage", "inputs": {"images": "a.IMAGE"}}]})";
  EXPECT_EQ(dump(imported(list).at("7")), R"({"class_type":"PreviewImage","inputs":{"images":["a",0]}})");
  const char* object = R"({"nodes": {"a.b": {"class_type": "LoadImage", "inputs": {"image": "x.png"}}, "m": {"class_type": "MaskToImage", "inputs": {"mask": "a.b.mask"}}}})";
  EXPECT_EQ(dump(imported(object).at("m").at("inputs")), R"({"mask":["a.b",1]})");
}

TEST(TextLinks, TextInputsAreLinkedOnlyByAnOutputThatFits) {
  const auto prompt = imported(R"({"words": {"type": "StringConcatenate", "inputs": {"string_a": "a", "string_b": "words", "delimiter": "."}},
                                   "size": {"type": "PrimitiveInt", "inputs": {"value": 3}},
                                   "cut": {"type": "StringConcatenate", "inputs": {"string_a": "words.STRING", "string_b": "size.INT", "delimiter": "size.0"}}})");
  EXPECT_EQ(dump(prompt.at("cut").at("inputs")), R"({"string_a":["words",0],"string_b":"size.INT","delimiter":"size.0"})");
}

TEST(TextLinks, OfGrowingInputs) {
  const auto prompt = imported(R"({"a": {"type": "EmptyImage", "inputs": {}}, "b": {"type": "BatchImagesNode", "inputs": {"images.image0": "a.image", "images.image1": "a"}}})");
  EXPECT_EQ(dump(prompt.at("b").at("inputs")), R"({"images.image0":["a",0],"images.image1":["a",0]})");
}

TEST(TextLinks, ValuesOfWidgetsAreDealtOut) {
  const auto prompt = imported(R"({"nodes": [{"id": "load", "type": "LoadImage", "widgets_values": ["old.png"]},
    {"id": "scale", "type": "ImageScaleBy", "inputs": {"image": "load.image"}, "widgets_values": ["lanczos", 2]},
    {"id": "save", "type": "SaveImage", "inputs": {"images": "scale.image", "filename_prefix": "mine"}, "widgets_values": ["theirs"]}]})");
  EXPECT_EQ(dump(prompt.at("load")), R"({"class_type":"LoadImage","inputs":{"image":"old.png"}})");
  EXPECT_EQ(dump(prompt.at("scale").at("inputs")), R"({"image":["load",0],"upscale_method":"lanczos","scale_by":2})");
  EXPECT_EQ(dump(prompt.at("save").at("inputs")), R"({"images":["scale",0],"filename_prefix":"mine"})");
  const auto api = imported(R"({"1": {"class_type": "EmptyImage", "inputs": {}}, "2": {"class_type": "ImageScaleBy", "inputs": {"image": ["1", 0]}, "widgets_values": ["area"]}})");
  EXPECT_EQ(string_or(api.at("2").at("inputs").as_object(), "upscale_method", ""), "area");
}

TEST(TextLinks, FaultsAreNamed) {
  EXPECT_EQ(refusal(R"({"a": {"type": "LoadImage", "inputs": {"image": "x"}}, "b": {"type": "PreviewImage", "inputs": {"images": "a.picture"}}})"),
            "workflow: node b: input images links to \"a.picture\", but a (LoadImage) has the outputs IMAGE, MASK");
  EXPECT_EQ(refusal(R"({"nodes": [{"type": "LoadImage", "inputs": {}}]})"), "workflow: a node of the list has no id");
  EXPECT_EQ(refusal(R"({"nodes": [{"id": "a", "type": "LoadImage"}, {"id": "a", "type": "LoadImage"}]})"), "workflow: there are two nodes with the id a");
  EXPECT_EQ(refusal(R"({"nodes": {"a": {"inputs": {}}}})"), "workflow: node a has no class_type");
}

}  // namespace
}  // namespace darkroom
