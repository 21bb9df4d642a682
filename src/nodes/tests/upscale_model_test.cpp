#include "nodes/upscale_model.hpp"

#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>
#include <vector>

#include "base/error.hpp"
#include "imaging/decode.hpp"
#include "nodes/tests/graph_bench.hpp"
#include "restore/tiling.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kFiles = fs::path(DARKROOM_TEST_DATA) / "restore/files";
const fs::path kShipped = fs::path(DARKROOM_TEST_DATA).parent_path().parent_path() / "models/upscale_models";

class UpscaleNodes : public testing::Test {
 protected:
  void SetUp() override {
    for (auto& folder : bench_.settings.folders.models)
      if (folder.key == "upscale_models") folder.paths.push_back(kShipped), models_ = folder.paths.front();
    fs::create_directories(models_);
    bench_.configure();
  }
  Ran upscale(const std::string& model, int width, int height, bool alpha = false) {
    const auto number = [](int value) { return std::to_string(value); };
    std::string graph = R"({"1": {"class_type": "EmptyImage", "inputs": {"width": )" + number(width) + R"(, "height": )" + number(height) + R"(, "batch_size": 2, "color": 8405184}},
      "3": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": ")" + model + R"("}},
      "4": {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["3", 0], "image": [")" + (alpha ? "6" : "1") + R"(", 0]}},
      "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "up"}})";
    if (alpha)
      graph += R"(, "2": {"class_type": "SolidMask", "inputs": {"value": 0.5, "width": 8, "height": 8}},
        "6": {"class_type": "JoinImageWithAlpha", "inputs": {"image": ["1", 0], "alpha": ["2", 0]}})";
    return bench_.run(graph + "}");
  }
  static std::string node_of(const Ran& ran) { return ran.error ? string_or(*ran.error, "node_type", "") : ""; }

  GraphBench bench_;
  fs::path models_;
};

TEST_F(UpscaleNodes, EnlargeEveryPictureOfABatch) {
  for (const auto& [model, scale] : {std::pair{"realesr-animevideov3-x4.param", 4}, {"realesr-animevideov3.pth", 4}, {"realesr-animevideov3-x2.param", 2}}) {
    SCOPED_TRACE(model);
    const Ran ran = upscale(model, 9, 7);
    ASSERT_FALSE(ran.error) << ran.message();
    const auto& pictures = ran.outputs.at("5").at("images").as_array();
    ASSERT_EQ(pictures.size(), 2u);
    const auto picture = imaging::decode(read_file(bench_.file(pictures[1])), "up");
    EXPECT_EQ(picture.width, 9 * scale);
    EXPECT_EQ(picture.height, 7 * scale);
  }
}

TEST_F(UpscaleNodes, GiveEachPictureOfABatchWhatItGetsAlone) {
  const Ran ran = bench_.run(std::string(R"({"red": {"class_type": "EmptyImage", "inputs": {"width": 9, "height": 7, "batch_size": 1, "color": 13373495}},
    "blue": {"class_type": "EmptyImage", "inputs": {"width": 9, "height": 7, "batch_size": 1, "color": 1120489}},
    "both": {"class_type": "ImageBatch", "inputs": {"image1": ["red", 0], "image2": ["blue", 0]}},
    "model": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "realesr-animevideov3-x4.param"}},
    "up red": {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["model", 0], "image": ["red", 0]}},
    "up blue": {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["model", 0], "image": ["blue", 0]}},
    "up both": {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["model", 0], "image": ["both", 0]}},
    "one": {"class_type": "SaveImage", "inputs": {"images": ["up red", 0], "filename_prefix": "one"}},
    "two": {"class_type": "SaveImage", "inputs": {"images": ["up blue", 0], "filename_prefix": "two"}},
    "all": {"class_type": "SaveImage", "inputs": {"images": ["up both", 0], "filename_prefix": "all"}}})"));
  ASSERT_FALSE(ran.error) << ran.message();
  const auto pixels = [&](const char* node, std::size_t index) {
    const auto picture = imaging::decode(read_file(bench_.file(ran.outputs.at(node).at("images").at(index))), "up");
    return picture.rgb;
  };
  EXPECT_EQ(pixels("all", 0), pixels("one", 0));
  EXPECT_EQ(pixels("all", 1), pixels("two", 0));
  EXPECT_NE(pixels("all", 0), pixels("all", 1));
}

const fs::path kSmall = fs::path(DARKROOM_TEST_DATA) / "restore/small";

/// A network of tests/data/restore/small among the models.
void install(const fs::path& models, const std::string& name) {
  for (const char* extension : {".param", ".bin", ".safetensors"})
    if (fs::exists(kSmall / (name + extension))) fs::copy_file(kSmall / (name + extension), models / (name + extension));
}

TEST_F(UpscaleNodes, KnowTheFamilies) {
  for (const auto& [name, extension, scale] : {std::tuple{"nafnet_deep", ".safetensors", 1},
                                               {"upconv7_tiny", ".param", 2},
                                               {"cunet_tiny_x1", ".param", 1},
                                               {"cunet_tiny_x2", ".param", 2},
                                               {"srmd_tiny", ".param", 4},
                                               {"srmdnf_tiny", ".param", 2}}) {
    SCOPED_TRACE(name);
    install(models_, name);
    const Ran ran = upscale(std::string(name) + extension, 9, 7);
    ASSERT_FALSE(ran.error) << ran.message();
    const auto picture = imaging::decode(read_file(bench_.file(ran.outputs.at("5").at("images").as_array()[0])), "up");
    EXPECT_EQ(picture.width, 9 * scale);
    EXPECT_EQ(picture.height, 7 * scale);
  }
}

TEST_F(UpscaleNodes, TellSrmdTheNoise) {
  for (const char* name : {"srmd_tiny", "srmdnf_tiny"}) install(models_, name);
  const auto graph = [](const std::string& model, const std::string& noise) {
    return R"({"1": {"class_type": "EmptyImage", "inputs": {"width": 9, "height": 7, "batch_size": 1, "color": 8405184}},
      "3": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": ")" +
           model + R"("}}, "6": {"class_type": "PrimitiveFloat", "inputs": {"value": )" + noise + R"(}},
      "4": {"class_type": "ImageUpscaleDenoise", "inputs": {"upscale_model": ["3", 0], "image": ["1", 0], "noise": ["6", 0]}},
      "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "up"}}})";
  };
  const auto pixels = [&](const Ran& ran) {
    return imaging::decode(read_file(bench_.file(ran.outputs.at("5").at("images").at(0))), "up").rgb;
  };
  std::vector<std::vector<std::uint8_t>> told;
  for (const char* noise : {"0", "3", "75"}) {
    const Ran ran = bench_.run(graph("srmd_tiny.param", noise));
    ASSERT_FALSE(ran.error) << ran.message();
    told.push_back(pixels(ran));
  }
  EXPECT_NE(told[0], told[2]);
  EXPECT_EQ(told[1], pixels(upscale("srmd_tiny.param", 9, 7)));  // what it takes untold
  for (const char* noise : {"-1", "75.5"}) {
    const Ran ran = bench_.run(graph("srmd_tiny.param", noise));
    EXPECT_EQ(node_of(ran), "ImageUpscaleDenoise");
    EXPECT_THAT(ran.message(), HasSubstr("is not between 0 and 75"));
  }
  for (const char* other : {"srmdnf_tiny.param", "realesr-animevideov3-x2.param"}) {
    const Ran ran = bench_.run(graph(other, "3"));
    EXPECT_EQ(node_of(ran), "ImageUpscaleDenoise");
    EXPECT_THAT(ran.message(), HasSubstr("can't be told how strong the noise is"));
  }
}

TEST_F(UpscaleNodes, BlameTheLoaderForABadFile) {
  std::ofstream(models_ / "junk.pth") << "junk";
  fs::copy_file(kFiles / "refuse_eval.pth", models_ / "eval.pth");
  fs::copy_file(kFiles / "refuse_truncated.pth", models_ / "cut.pth");
  fs::copy_file(kFiles / "odd_tensors.pth", models_ / "odd.pth");
  fs::copy_file(kSmall / "upconv7_tiny.param", models_ / "lonely.param");
  install(models_, "cunet_tiny_x2");
  fs::resize_file(models_ / "cunet_tiny_x2.bin", 9000);
  for (const auto& [model, text] : {std::pair{"junk.pth", "junk.pth: "},
                                    {"lonely.param", "there is no lonely.bin beside it"},
                                    {"cunet_tiny_x2.param", "cunet_tiny_x2.bin: it is too short"},
                                    {"eval.pth", "asks for "},
                                    {"cut.pth", "cut.pth: "},
                                    {"odd.pth", "no upscaler"},
                                    {"none.pth", "not found"}}) {
    const Ran ran = upscale(model, 8, 8);
    EXPECT_EQ(node_of(ran), "UpscaleModelLoader");
    EXPECT_THAT(ran.message(), HasSubstr(text));
    EXPECT_THAT(ran.message(), testing::Not(HasSubstr(models_.string())));  // no path of the server
  }
}

TEST_F(UpscaleNodes, RefuseAlpha) {
  const Ran ran = upscale("realesr-animevideov3-x4.param", 8, 8, true);
  EXPECT_EQ(node_of(ran), "ImageUpscaleWithModel");
  EXPECT_THAT(ran.message(), HasSubstr("takes 3 channels, the image has 4"));
}

TEST_F(UpscaleNodes, KeepModelsUntilTheFileChanges) {
  UpscaleModels models;
  const auto file = models_ / "x1.pth";
  fs::copy_file(kFiles / "srvgg_x1_params.pth", file);
  const auto first = load_upscale_model(models, file, {});
  EXPECT_EQ(first->bytes(), 0u);
  EXPECT_EQ(first->network()->info().scale, 1);
  EXPECT_GT(first->bytes(), 0u);
  EXPECT_EQ(load_upscale_model(models, file, {}), first);
  EXPECT_NE(load_upscale_model(models, file, {.dtype = at::kBFloat16}), first);
  fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(5));
  EXPECT_NE(load_upscale_model(models, file, {}), first);
}

TEST_F(UpscaleNodes, GiveUpTheWeightsOfUnusedModelsForANewOne) {
  const auto budget = std::make_shared<ModelBudget>();
  UpscaleModels models;
  const auto load = [&](const char* name) {
    const auto file = models_ / name;
    fs::copy_file(kFiles / "srvgg_x1_params.pth", file);
    return load_upscale_model(models, file, {.budget = budget});
  };
  const auto first = load("first.pth"), second = load("second.pth");
  first->network();
  budget->configure({.most = first->bytes() + 1});
  const auto held = second->network();
  EXPECT_EQ(first->bytes(), 0u);
  EXPECT_EQ(budget->bytes(), second->bytes());
  EXPECT_EQ(first->network()->info().scale, 1);  // packed again; the one in use stays
  EXPECT_GT(second->bytes(), 0u);
}

}  // namespace
}  // namespace darkroom
