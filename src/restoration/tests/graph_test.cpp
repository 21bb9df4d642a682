#include "restoration/graph.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "restoration/plan.hpp"

namespace darkroom::restoration {
namespace {

Abilities everything() {
  Abilities able;
  able.colorizers = {"ddcolor_modelscope.pth"};
  able.upscalers = {"realesr-animevideov3-x2.param", "realesr-animevideov3-x4.param"};
  able.classes = {"LoadImage",      "RestoreLoad", "RestoreModels",         "RestoreDenoise", "RestoreScratches", "RestoreSharpen", "DDColor",
                  "UpscaleModelLoader", "ImageUpscaleWithModel", "ImageScaleBy", "RestoreSave"};
  return able;
}

std::string refusal(RestoreOptions options, const Abilities& able) {
  try {
    settle(options, able);
  } catch (const Refusal& why) {
    return why.code;
  }
  return "";
}

/// Class names along the image's way, from the photograph to the file.
std::vector<std::string> way(const RestoreGraph& graph) {
  std::vector<std::string> names;
  for (std::string id = graph.save_node; !id.empty();) {
    const json::object& node = graph.prompt.at(id).as_object();
    names.insert(names.begin(), std::string(node.at("class_type").as_string()));
    const json::object& inputs = node.at("inputs").as_object();
    const auto* link = find_array(inputs, inputs.contains("images") ? "images" : "image");
    id = link ? std::string((*link)[0].as_string()) : "";
  }
  return names;
}

TEST(RestoreGraph, StepsStandInTheirOrder) {
  RestoreOptions options{.denoise = 0.5, .scratch = 1, .upscale = 2, .sharpen = 0.2};
  const Abilities able = everything();
  settle(options, able);
  EXPECT_TRUE(*options.colorize) << "colours wherever there is a colouriser";
  const RestoreGraph graph = build_graph(options, able, "restorations/x.jpg", "restorations/x");
  EXPECT_EQ(way(graph), (std::vector<std::string>{"RestoreLoad", "RestoreModels", "RestoreDenoise", "RestoreScratches", "DDColor", "ImageUpscaleWithModel",
                                                  "RestoreSharpen", "RestoreSave"}));
  EXPECT_EQ(graph.model, "ddcolor_modelscope.pth");
  EXPECT_TRUE(graph.prompt.at(graph.save_node).at("inputs").at("ai_colors").as_bool());
  const Plan plan = plan_of(graph.prompt, {graph.save_node});
  for (const std::string_view source : kSources) EXPECT_TRUE(plan.has_step(source)) << source;
}

TEST(RestoreGraph, AllModelsAreOpenedBeforeTheFirstStep) {
  Abilities able = everything();
  able.classes.insert("ImageDenoise");
  able.denoisers = {"ffdnet_color.pth"};
  RestoreOptions options{.denoise = 0.5, .upscale = 2};
  settle(options, able);
  const auto opened = [&] { return dump(build_graph(options, able, "a", "b").prompt.at("3").at("inputs")); };
  EXPECT_EQ(opened(), R"({"image":["1",0],"denoiser":"ffdnet_color.pth","colorizer":"ddcolor_modelscope.pth","model_1":["2",0]})");
  options.denoise = 0;
  options.colorize = false;
  EXPECT_EQ(opened(), R"({"image":["1",0],"model_1":["2",0]})");
}

TEST(RestoreGraph, TheColouriserSeesWhatItWasMadeForUnlessASizeIsNamed) {
  const Abilities able = everything();
  RestoreOptions options;
  settle(options, able);
  const auto colouring = [&] { return dump(build_graph(options, able, "a", "b").prompt.at("3").at("inputs")); };
  EXPECT_EQ(colouring(), R"({"image":["2",0],"model":"ddcolor_modelscope.pth","model_input_size":0,"upscale":false})");
  options.size = 640;
  EXPECT_EQ(colouring(), R"({"image":["2",0],"model":"ddcolor_modelscope.pth","model_input_size":640,"upscale":false})");
}

TEST(RestoreGraph, TheUpscalerFitsOrItsResultIsMadeSmaller) {
  Abilities able = everything();
  RestoreOptions options{.colorize = false, .upscale = 2};
  settle(options, able);
  EXPECT_EQ(options.upscale_model, "realesr-animevideov3-x2.param");
  able.upscalers = {"realesr-animevideov3-x4.param"};
  options.upscale_model.clear();
  settle(options, able);
  const RestoreGraph graph = build_graph(options, able, "a", "b");
  EXPECT_EQ(way(graph), (std::vector<std::string>{"RestoreLoad", "RestoreModels", "ImageUpscaleWithModel", "ImageScaleBy", "RestoreSave"}));
}

TEST(RestoreGraph, WhatCantBeDoneIsRefused) {
  const Abilities able = everything();
  EXPECT_EQ(refusal({.colorize = false}, able), "nothing_to_do");
  EXPECT_EQ(refusal({.colorize = true, .model = "other.pth"}, able), "bad_options");
  Abilities poor = able;
  poor.colorizers.clear();
  EXPECT_EQ(refusal({.colorize = true}, poor), "no_model");
  EXPECT_EQ(refusal({}, poor), "nothing_to_do");
  poor.upscalers = {"1x_deblur.pth"};
  EXPECT_EQ(refusal({.upscale = 2}, poor), "bad_options");
}

TEST(RestoreGraph, AScaleIsReadFromAName) {
  EXPECT_EQ(scale_of("realesr-animevideov3-x3.param"), 3);
  EXPECT_EQ(scale_of("2x_something.pth"), 2);
  EXPECT_EQ(scale_of("RealESRGAN_x4plus_anime_6B.pth"), 4);
  EXPECT_EQ(scale_of("x264_model.pth"), 4) << "a longer number is no scale";
  EXPECT_EQ(scale_of("a_network.pth"), 4);
  EXPECT_EQ(scale_of("srmdnf_x3.param"), 3);
  EXPECT_EQ(scale_of("waifu2x_photo_noise1_x2.param"), 2);
  EXPECT_EQ(scale_of("NAFNet-GoPro-width64.pth"), 1) << "it never enlarges";
}

TEST(Plan, OnlyWhatAnOutputNeedsCounts) {
  const json::value prompt = parse_json(R"({"1":{"class_type":"LoadImage","inputs":{}},"2":{"class_type":"RestoreSharpen","inputs":{"image":["1",0]}},
      "3":{"class_type":"SaveImage","inputs":{"images":["1",0]}},"4":{"class_type":"SaveImage","inputs":{"images":["2",0]}}})");
  EXPECT_TRUE(has_step(prompt.as_object()));
  EXPECT_FALSE(plan_of(prompt.as_object(), {"3"}).is_restoration());
  EXPECT_TRUE(plan_of(prompt.as_object(), {"4"}).is_restoration());
  EXPECT_FALSE(plan_of(parse_json(R"({"1":{"class_type":5},"2":7})").as_object(), {"1", "2", "9"}).is_restoration());
}

}  // namespace
}  // namespace darkroom::restoration
