#include "drawing/picture_workflow.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

/// The inputs of the only node of a class.
const json::object& inputs_of(const json::object& prompt, std::string_view node_class) {
  for (const auto& [id, node] : prompt)
    if (node.at("class_type").as_string() == node_class) return node.at("inputs").as_object();
  throw std::out_of_range(std::string(node_class));
}

PictureRequest fox() {
  PictureRequest request;
  request.prompt = "a fox";
  request.model = "sd15.safetensors";
  return request;
}

TEST(PictureWorkflow, text_becomes_a_picture) {
  auto request = fox();
  request.width = 512, request.height = 768, request.seed = 18446744073709551615U;
  const auto prompt = picture_workflow(request);
  EXPECT_EQ(inputs_of(prompt, "EmptyLatentImage").at("height").as_int64(), 768);
  EXPECT_EQ(inputs_of(prompt, "KSampler").at("seed").as_uint64(), request.seed);
  EXPECT_EQ(prompt.size(), 7U);
}

TEST(PictureWorkflow, loras_follow_each_other) {
  auto request = fox();
  request.loras = {"first", "sub/second.safetensors:-0.5"};
  const auto prompt = picture_workflow(request);
  EXPECT_EQ(inputs_of(prompt, "KSampler").at("model").as_array()[0].as_string(), "3");
  const auto& second = prompt.at("3").at("inputs").as_object();
  EXPECT_EQ(second.at("lora_name").as_string(), "sub/second.safetensors");
  EXPECT_EQ(second.at("strength_model").as_double(), -0.5);
  EXPECT_EQ(second.at("model").as_array()[0].as_string(), "2");
}

TEST(PictureWorkflow, a_picture_is_encoded_and_repeated) {
  auto request = fox();
  request.picture = "in.png", request.batch = 2, request.denoise = 0.6;
  const auto prompt = picture_workflow(request);
  EXPECT_EQ(inputs_of(prompt, "LoadImage").at("image").as_string(), "in.png");
  EXPECT_EQ(inputs_of(prompt, "RepeatLatentBatch").at("amount").as_int64(), 2);
  EXPECT_THROW(inputs_of(prompt, "EmptyLatentImage"), std::out_of_range);
}

TEST(PictureWorkflow, only_what_is_transparent_is_made_anew) {
  auto request = fox();
  request.picture = "in.png", request.resize = true, request.masked = true, request.width = 64, request.height = 96, request.batch = 3;
  const auto prompt = picture_workflow(request);
  EXPECT_EQ(inputs_of(prompt, "ImageScale").at("height").as_int64(), 96);
  EXPECT_EQ(inputs_of(prompt, "SetLatentNoiseMask").at("mask"), inputs_of(prompt, "ImageCompositeMasked").at("mask"));
  EXPECT_EQ(inputs_of(prompt, "RepeatImageBatch").at("amount").as_int64(), 3);
  request.width = 60;
  EXPECT_THROW(picture_workflow(request), InvalidInput);
}

TEST(PictureWorkflow, what_makes_no_sense_is_refused) {
  auto request = fox();
  request.width = 508;
  EXPECT_THROW(picture_workflow(request), InvalidInput);
  request = fox();
  request.loras = {"name:strong"};
  EXPECT_THROW(picture_workflow(request), InvalidInput);
  for (const auto* size : {"512", "512x", "x512", "512x512x3", "-8x8", "0x8", "9999999999999999999x8", ""})
    EXPECT_THROW(picture_size(size), InvalidInput) << size;
  EXPECT_EQ(picture_size("512x768"), (std::pair<std::int64_t, std::int64_t>{512, 768}));
}

}  // namespace
}  // namespace darkroom
