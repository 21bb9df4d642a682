// What pictures, size and batch of a workflow are; its words, seeds and single inputs are tested with the client.

#include "drawing/picture_prompt.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

json::object prompt_of(const char* text) { return parse_json(text).as_object(); }

const json::value& input(const json::object& prompt, std::string_view node, std::string_view name) {
  return prompt.at(node).as_object().at("inputs").as_object().at(name);
}

json::object from_text() {
  return prompt_of(R"({
    "c": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    "p": {"class_type": "CLIPTextEncode", "inputs": {"text": "good", "clip": ["c", 1]}},
    "e": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "k": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["c", 0], "positive": ["p", 0], "latent_image": ["e", 0]}}})");
}

json::object from_pictures() {
  return prompt_of(R"({
    "other": {"class_type": "LoadImage", "inputs": {"image": "hint.png"}},
    "load": {"class_type": "LoadImage", "inputs": {"image": "old.png"}},
    "p": {"class_type": "CLIPTextEncode", "inputs": {"text": "good"}},
    "v": {"class_type": "VAEEncode", "inputs": {"pixels": ["load", 0]}},
    "m": {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["v", 0], "mask": ["load", 1]}},
    "k": {"class_type": "KSampler", "inputs": {"seed": 1, "positive": ["p", 0], "latent_image": ["m", 0]}}})");
}

TEST(PicturePromptSize, IsThatOfTheLatent) {
  auto prompt = from_text();
  EXPECT_TRUE(set_size(prompt, 768, 1024));
  EXPECT_EQ(input(prompt, "e", "width"), 768);
  EXPECT_EQ(input(prompt, "e", "height"), 1024);
  auto pictures = from_pictures();
  EXPECT_FALSE(set_size(pictures, 768, 1024));
}

TEST(PicturePromptBatch, IsThatOfTheLatentOrARepetition) {
  auto prompt = from_text();
  set_batch(prompt, 3);
  EXPECT_EQ(input(prompt, "e", "batch_size"), 3);
  auto pictures = from_pictures();
  const auto before = pictures;
  set_batch(pictures, 1);
  EXPECT_EQ(pictures, before);
  set_batch(pictures, 4);
  EXPECT_EQ(input(pictures, "batch", "amount"), 4);
  EXPECT_EQ(input(pictures, "batch", "samples"), (json::array{"m", 0}));
  EXPECT_EQ(input(pictures, "k", "latent_image"), (json::array{"batch", 0}));
}

TEST(PicturePromptCheckpoint, IsThatOfTheSampler) {
  auto prompt = from_text();
  EXPECT_TRUE(set_checkpoint(prompt, "b.safetensors"));
  EXPECT_EQ(input(prompt, "c", "ckpt_name"), "b.safetensors");
  auto pictures = from_pictures();
  EXPECT_FALSE(set_checkpoint(pictures, "b.safetensors"));
}

TEST(PicturePromptPictures, TheDrawnOneIsTheFirst) {
  auto prompt = from_pictures();
  EXPECT_EQ(count_images(prompt), 2u);
  set_images(prompt, {"new.png"});
  EXPECT_EQ(input(prompt, "load", "image"), "new.png");
  EXPECT_EQ(input(prompt, "other", "image"), "hint.png");
  set_images(prompt, {"a.png", "b.png"});
  EXPECT_EQ(input(prompt, "other", "image"), "b.png");
  EXPECT_THROW(set_images(prompt, {"a.png", "b.png", "c.png"}), InvalidInput);
  EXPECT_THROW(count_images(from_text()), InvalidInput);
}

TEST(PicturePromptMask, IsLoadedOrThatOfThePicture) {
  auto prompt = from_pictures();
  EXPECT_TRUE(takes_mask_of_picture(prompt));
  EXPECT_FALSE(loads_mask(prompt));
  EXPECT_THROW(set_mask(prompt, "mask.png"), InvalidInput);
  prompt["x"] = parse_json(R"({"class_type": "LoadImageMask", "inputs": {"image": "", "channel": "alpha"}})");
  prompt["m"].as_object()["inputs"].as_object()["mask"] = json::array{"x", 0};
  EXPECT_FALSE(takes_mask_of_picture(prompt));
  EXPECT_TRUE(loads_mask(prompt));
  set_mask(prompt, "mask.png");
  EXPECT_EQ(input(prompt, "x", "image"), "mask.png");
}

}  // namespace
}  // namespace darkroom
