// Models that are saved come back as they were: the same names as in the files they came from, patches included, the same picture.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include <ATen/TensorOperators.h>

#include "nodes/tests/graph_bench.hpp"
#include "tensor/safetensors.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ModelSaving : public testing::Test {
 protected:
  void SetUp() override {
    const char* golden = std::getenv("DARKROOM_GOLDEN_MODELS");
    if (!golden) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
    models_ = golden;
    for (auto& folder : bench_.settings.folders.models) folder.paths.push_back(models_ / folder.key);
    bench_.configure();
  }
  /// Moves what was saved to where loaders find it.
  void publish(const std::string& saved, const char* folder) {
    fs::rename(bench_.settings.folders.output / saved, bench_.settings.folders.model_folder(folder)->paths.front() / fs::path(saved).filename());
  }
  /// One step of a picture by the nodes of `graph`: "model" and "clip" are links.
  std::string latent(const std::string& graph, const std::string& model, const std::string& clip) {
    const Ran ran = bench_.run("{" + graph + R"(, "p": {"class_type": "CLIPTextEncode", "inputs": {"clip": )" + clip + R"(, "text": "a cat"}},
      "l": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
      "k": {"class_type": "KSampler", "inputs": {"model": )" + model + R"(, "positive": ["p", 0], "negative": ["p", 0], "latent_image": ["l", 0], "seed": 3, "steps": 1, "cfg": 1.0,
        "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}},
      "s": {"class_type": "SaveLatent", "inputs": {"samples": ["k", 0], "filename_prefix": "x"}}})");
    EXPECT_FALSE(ran.error) << ran.message();
    return ran.error ? "" : read_file(bench_.file(ran.outputs.at("s").at("latents").at(0)));
  }
  static at::Tensor tensor_of(const std::string& file) {
    const fs::path path = fs::temp_directory_path() / ("saved-" + std::to_string(::getpid()) + ".latent");
    std::ofstream(path, std::ios::binary) << file;
    const auto tensor = read_safetensors(path).tensors.at("latent_tensor").clone();
    fs::remove(path);
    return tensor;
  }

  /// But for the order of sums, which may change with where weights lie in memory.
  static void expect_same(const at::Tensor& got, const at::Tensor& want) { EXPECT_LT((got - want).norm().item<double>(), 1e-5 * want.norm().item<double>()); }

  GraphBench bench_;
  fs::path models_;
};

constexpr const char* kLora = R"("m": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny_sd15.safetensors"}},
  "r": {"class_type": "LoraLoader", "inputs": {"model": ["m", 0], "clip": ["m", 1], "lora_name": "lora_kohya.safetensors", "strength_model": 0.7, "strength_clip": 0.4}})";

TEST_F(ModelSaving, ACheckpointWithItsLoraIsTheSameWithoutIt) {
  const Ran ran = bench_.run("{" + std::string(kLora) + R"(, "v": {"class_type": "VAELoader", "inputs": {"vae_name": "taesd"}},
    "c": {"class_type": "CheckpointSave", "inputs": {"model": ["r", 0], "clip": ["r", 1], "vae": ["m", 2], "filename_prefix": "checkpoints/mine"}}})");
  ASSERT_FALSE(ran.error) << ran.message();
  const auto saved = read_safetensors(bench_.settings.folders.output / "checkpoints/mine_00001_.safetensors");
  EXPECT_THAT(saved.metadata.at("prompt"), HasSubstr("CheckpointSave"));
  EXPECT_EQ(saved.metadata.at("modelspec.predict_key"), "epsilon");
  const auto original = read_safetensors(models_ / "checkpoints/tiny_sd15.safetensors");
  std::size_t changed = 0;
  for (const auto& [name, tensor] : original.tensors) {
    if (name.ends_with("position_ids")) continue;
    const auto copy = saved.tensors.find(name);
    ASSERT_NE(copy, saved.tensors.end()) << name;
    EXPECT_EQ(copy->second.scalar_type(), name.starts_with("cond_stage_model.") ? at::kHalf : at::kFloat) << name;
    changed += !copy->second.to(at::kFloat).equal(tensor.to(at::kFloat));
  }
  EXPECT_GT(changed, 20u);
  EXPECT_LT(changed, original.tensors.size() / 2);
  EXPECT_LE(saved.tensors.size(), original.tensors.size());

  const auto before = latent(kLora, R"(["r", 0])", R"(["r", 1])");
  publish("checkpoints/mine_00001_.safetensors", "checkpoints");
  const auto after = latent(R"("m": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "mine_00001_.safetensors"}})", R"(["m", 0])", R"(["m", 1])");
  expect_same(tensor_of(before), tensor_of(after));
}

TEST_F(ModelSaving, ModelAndTextEncoderOfTheirOwn) {
  const Ran ran = bench_.run("{" + std::string(kLora) + R"(, "ms": {"class_type": "ModelSave", "inputs": {"model": ["r", 0], "filename_prefix": "d/unet"}},
    "cs": {"class_type": "CLIPSave", "inputs": {"clip": ["r", 1], "filename_prefix": "c/text"}}})");
  ASSERT_FALSE(ran.error) << ran.message();
  const auto clip = read_safetensors(bench_.settings.folders.output / "c/text_clip_l_00001_.safetensors");
  EXPECT_EQ(clip.metadata.at("format"), "pt");
  EXPECT_TRUE(clip.tensors.contains("text_model.encoder.layers.3.mlp.fc1.weight"));
  const auto before = latent(kLora, R"(["r", 0])", R"(["r", 1])");
  publish("d/unet_00001_.safetensors", "diffusion_models");
  publish("c/text_clip_l_00001_.safetensors", "text_encoders");
  const auto after = latent(R"("m": {"class_type": "UNETLoader", "inputs": {"unet_name": "unet_00001_.safetensors", "weight_dtype": "default"}},
    "c": {"class_type": "CLIPLoader", "inputs": {"clip_name": "text_clip_l_00001_.safetensors", "type": "stable_diffusion"}})", R"(["m", 0])", R"(["c", 0])");
  expect_same(tensor_of(before), tensor_of(after));
}

TEST_F(ModelSaving, VPredictionIsMarked) {
  const Ran ran = bench_.run(R"({"m": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny_sd2_v.safetensors"}},
    "ms": {"class_type": "ModelSave", "inputs": {"model": ["m", 0], "filename_prefix": "v"}}})");
  ASSERT_FALSE(ran.error) << ran.message();
  const auto saved = read_safetensors(bench_.settings.folders.output / "v_00001_.safetensors");
  EXPECT_EQ(saved.metadata.at("modelspec.predict_key"), "v");
  EXPECT_EQ(saved.tensors.at("v_pred").numel(), 0);
}

}  // namespace
}  // namespace darkroom
