// Workflows set up by what a program wants to change.

#include "client/picture_prompt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "base/error.hpp"

namespace darkroom::client {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

json::object prompt_of(const char* text) { return parse_json(text).as_object(); }

json::object image_to_image() {
  return prompt_of(R"({
    "c": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    "other": {"class_type": "LoadImage", "inputs": {"image": "hint.png"}},
    "load": {"class_type": "LoadImage", "inputs": {"image": "old.png"}},
    "latent": {"class_type": "VAEEncode", "inputs": {"pixels": ["load", 0], "vae": ["c", 2]}},
    "p": {"class_type": "CLIPTextEncode", "inputs": {"text": "good", "clip": ["c", 1]}, "_meta": {"title": "Positive"}},
    "n": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad", "clip": ["c", 1]}},
    "control": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["p", 0], "negative": ["n", 0], "image": ["other", 0], "strength": 1}},
    "k": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 5, "positive": ["control", 0], "negative": ["control", 1], "latent_image": ["latent", 0], "model": ["c", 0]}},
    "d": {"class_type": "VAEDecode", "inputs": {"samples": ["k", 0], "vae": ["c", 2]}}})");
}

const json::value& input(const json::object& prompt, std::string_view node, std::string_view name) {
  return prompt.at(node).as_object().at("inputs").as_object().at(name);
}

TEST(PicturePrompt, WordsFollowTheLinksOfTheirSide) {
  auto prompt = image_to_image();
  set_positive(prompt, "a cat");
  set_negative(prompt, "rain");
  EXPECT_EQ(input(prompt, "p", "text"), "a cat");
  EXPECT_EQ(input(prompt, "n", "text"), "rain");
}

TEST(PicturePrompt, SeedsUpToTheLargest) {
  auto prompt = image_to_image();
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1} << 53, ~std::uint64_t{0}}) {
    set_seed(prompt, seed);
    EXPECT_EQ(input(prompt, "k", "seed").to_number<std::uint64_t>(), seed);
  }
  EXPECT_LT(random_seed(), std::uint64_t{1} << 53);
  EXPECT_NE(random_seed(), random_seed());
}

TEST(PicturePrompt, ThePictureIsTheOneThatIsDrawnOver) {
  auto prompt = image_to_image();
  set_image(prompt, "sub/new.png");
  EXPECT_EQ(input(prompt, "load", "image"), "sub/new.png");
  EXPECT_EQ(input(prompt, "other", "image"), "hint.png");
}

TEST(PicturePrompt, ThePictureOfAWorkflowWithoutASampler) {
  auto prompt = prompt_of(R"({"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}})");
  set_image(prompt, "b.png");
  EXPECT_EQ(input(prompt, "1", "image"), "b.png");
  prompt["2"] = prompt.at("1");
  EXPECT_THROW(set_image(prompt, "c.png"), InvalidInput) << "which of the two?";
  auto none = prompt_of(R"({"1": {"class_type": "EmptyImage", "inputs": {}}})");
  EXPECT_THROW(set_image(none, "c.png"), InvalidInput);
}

TEST(PicturePrompt, ASamplerInParts) {
  auto prompt = prompt_of(R"({
    "t": {"class_type": "PrimitiveString", "inputs": {"value": "good"}},
    "p": {"class_type": "CLIPTextEncode", "inputs": {"text": ["t", 0]}},
    "n": {"class_type": "CLIPTextEncodeSDXL", "inputs": {"text_g": "bad", "text_l": "bad", "width": 1024}},
    "g": {"class_type": "CFGGuider", "inputs": {"positive": ["p", 0], "negative": ["n", 0], "cfg": 6}},
    "r": {"class_type": "RandomNoise", "inputs": {"noise_seed": 3}},
    "s": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["r", 0], "guider": ["g", 0], "latent_image": ["e", 0]}},
    "e": {"class_type": "EmptyLatentImage", "inputs": {}}})");
  set_positive(prompt, "a cat");
  set_negative(prompt, "rain");
  set_seed(prompt, 9);
  EXPECT_EQ(input(prompt, "t", "value"), "a cat");
  EXPECT_EQ(input(prompt, "n", "text_g"), "rain");
  EXPECT_EQ(input(prompt, "n", "text_l"), "rain");
  EXPECT_EQ(input(prompt, "r", "noise_seed"), 9);
}

TEST(PicturePrompt, TheFirstOfTwoSamplers) {
  auto prompt = image_to_image();
  prompt["a second"] = parse_json(
      R"({"class_type": "KSampler", "inputs": {"seed": 2, "positive": ["p", 0], "negative": ["n", 0], "latent_image": ["k", 0]}})");
  EXPECT_EQ(find_sampler(prompt), "k");
}

TEST(PicturePrompt, WhatIsMissingIsNamed) {
  auto prompt = prompt_of(R"({"1": {"class_type": "EmptyImage", "inputs": {}}})");
  EXPECT_THROW(find_sampler(prompt), InvalidInput);
  EXPECT_THROW(set_positive(prompt, "x"), InvalidInput);
  auto bare = prompt_of(R"({"k": {"class_type": "KSampler", "inputs": {"positive": ["gone", 0], "latent_image": ["gone", 0]}}})");
  EXPECT_THROW(set_positive(bare, "x"), InvalidInput);
  EXPECT_THROW(set_negative(bare, "x"), InvalidInput);
  EXPECT_THROW(set_seed(bare, 1), InvalidInput);
}

TEST(PicturePrompt, CirclesEnd) {
  auto prompt =
      prompt_of(R"({"a": {"class_type": "A", "inputs": {"positive": ["b", 0]}}, "b": {"class_type": "B", "inputs": {"positive": ["a", 0]}},
                              "k": {"class_type": "KSampler", "inputs": {"positive": ["a", 0], "latent_image": ["k", 0]}}})");
  EXPECT_THROW(set_positive(prompt, "x"), InvalidInput);
}

TEST(PicturePrompt, AnyInputByIdTitleOrClass) {
  auto prompt = image_to_image();
  set_input(prompt, "k", "steps", 7);
  set_input(prompt, "positive", "text", "by title");
  set_input(prompt, "ksampler", "cfg", 2.5);
  EXPECT_EQ(input(prompt, "k", "steps"), 7);
  EXPECT_EQ(input(prompt, "p", "text"), "by title");
  EXPECT_EQ(input(prompt, "k", "cfg"), 2.5);
  EXPECT_THROW(set_input(prompt, "LoadImage", "image", "x"), InvalidInput) << "two of them";
  EXPECT_THROW(set_input(prompt, "nobody", "image", "x"), InvalidInput);
}

class LoadWorkflow : public testing::Test {
 protected:
  LoadWorkflow() {
    std::string name = (fs::temp_directory_path() / "workflow-test-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~LoadWorkflow() override { fs::remove_all(folder); }
  std::string refusal(const std::string& text) {
    std::ofstream(folder / "a.json") << text;
    try {
      load_workflow(folder / "a.json");
    } catch (const InvalidInput& error) {
      return error.what();
    }
    return "taken";
  }
  fs::path folder;
};

TEST_F(LoadWorkflow, BareOrInsideARequest) {
  EXPECT_EQ(refusal(R"({"1": {"class_type": "A", "inputs": {}}})"), "taken");
  EXPECT_EQ(refusal(R"({"prompt": {"1": {"class_type": "A", "inputs": {}}}, "client_id": "x"})"), "taken");
}

TEST_F(LoadWorkflow, SaysWhatIsWrong) {
  EXPECT_THROW(load_workflow(folder / "none.json"), NotFound);
  EXPECT_THROW(load_workflow(folder), InvalidInput);
  EXPECT_THAT(refusal("{\"1\": "), HasSubstr("is no JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("expected an object of nodes"));
  EXPECT_THAT(refusal("{}"), HasSubstr("expected an object of nodes"));
  EXPECT_THAT(refusal(R"({"1": {"inputs": {}}})"), HasSubstr("class_type"));
  EXPECT_THAT(refusal(R"({"nodes": [], "links": []})"), HasSubstr("editor's own form"));
}

}  // namespace
}  // namespace darkroom::client
