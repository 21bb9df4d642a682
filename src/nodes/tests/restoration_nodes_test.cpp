// Nodes of the photo service in graphs: a photograph with its metadata through them, and the pictures that watchers get.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "imaging/decode.hpp"
#include "imaging/photo.hpp"
#include "nodes/tests/graph_bench.hpp"
#include "tensor/model_budget.hpp"
#include "worker/models.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

class RestorationNodes : public testing::Test {
 protected:
  /// Puts a picture of 16 bits with alpha into the input folder.
  void put_photo(int width, int height) {
    std::vector<float> samples(static_cast<std::size_t>(width) * height * 4);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<float>(i * 37 % 60000) / 65535;
    std::ofstream(bench.settings.folders.input / "photo.png", std::ios::binary) << imaging::write_photo(samples.data(), width, height, 4, {.depth = 16}, {});
  }
  static json::object chain(const std::string& step) {
    return parse_json(R"({"1": {"class_type": "RestoreLoad", "inputs": {"image": "photo.png"}}, "2": {"class_type": "RestoreModels", "inputs": {"image": ["1", 0]}},
        "3": )" + step + R"(, "4": {"class_type": "RestoreSave", "inputs": {"images": ["3", 0], "photo": ["1", 2], "filename_prefix": "restorations/x"}}})")
        .as_object();
  }
  static std::vector<NodeProgress> pictures(const Ran& ran) {
    std::vector<NodeProgress> found;
    for (auto& one : ran.all<NodeProgress>())
      if (!one.picture.empty()) found.push_back(one);
    return found;
  }

  GraphBench bench;
};

constexpr const char* kSharpen = R"({"class_type": "RestoreSharpen", "inputs": {"image": ["2", 0], "strength": 0.5}})";

TEST_F(RestorationNodes, DepthAndAlphaGoThrough) {
  put_photo(30, 20);
  const Ran ran = bench.run(chain(R"({"class_type": "ImageScaleBy", "inputs": {"image": ["2", 0], "upscale_method": "nearest-exact", "scale_by": 2.0}})"));
  ASSERT_FALSE(ran.error) << ran.message();
  const json::object& entry = ran.outputs.at("4").at("images").as_array().at(0).as_object();
  EXPECT_EQ(string_or(entry, "subfolder", "") + "/" + string_or(entry, "filename", ""), "restorations/x_00001_.png");
  const imaging::Photo photo = imaging::read_photo(read_file(bench.settings.folders.output / "restorations/x_00001_.png"), "x");
  EXPECT_EQ(photo.metadata.depth, 16);
  EXPECT_EQ(photo.width, 60);
  EXPECT_EQ(photo.alpha.size(), 60u * 40);
}

TEST_F(RestorationNodes, EveryStepRuns) {
  put_photo(70, 50);
  for (const std::string step : {kSharpen, R"({"class_type": "RestoreDenoise", "inputs": {"image": ["2", 0], "strength": 0.2}})",
                                 R"({"class_type": "RestoreScratches", "inputs": {"image": ["2", 0], "strength": 0.5}})"}) {
    const Ran ran = bench.run(chain(step));
    EXPECT_FALSE(ran.error) << ran.message();
    EXPECT_TRUE(pictures(ran).empty()) << "other graphs' messages stay as they are";
  }
}

TEST_F(RestorationNodes, WatchersOfTheServiceSeeTheWork) {
  put_photo(70, 50);
  const Ran ran = bench.run(chain(kSharpen), {{"restoration", json::object{}}});
  ASSERT_FALSE(ran.error) << ran.message();
  const auto shown = pictures(ran);
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(imaging::decode(shown[0].picture, "x").width, 70);
  const auto sent = ran.all<MessageSent>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].type + dump(sent[0].data), R"(restoration.preview{"x":0,"y":0,"width":70,"height":50,"of":[70,50]})");
}

/// How many bytes of packed models there are when the picture comes by.
class PackedProbe final : public Node {
 public:
  static NodeSchema schema() { return NodeSchema("PackedProbe", Form::kV3).input("image", Image{}).output(Image{}); }
  Outputs run(const Inputs& in, Context& context) override {
    context.text(std::to_string(model_budget(context)->bytes()));
    return {in.at("image")};
  }
};

class RestoreModelsNode : public RestorationNodes {
 protected:
  void SetUp() override {
    const auto data = fs::path(DARKROOM_TEST_DATA);
    const char* folder = std::getenv("DARKROOM_RESTORE_MODELS");
    const auto models = folder && *folder ? fs::path(folder) : fs::path(std::getenv("HOME")) / ".cache/darkroom/models-test/restore";
    bench.registry.add<PackedProbe>();
    for (auto& one : bench.settings.folders.models) {
      if (one.key == "upscale_models") one.paths.push_back(data.parent_path().parent_path() / "models/upscale_models");
      if (one.key != "ddcolor" && one.key != "denoise") continue;
      (one.key == "ddcolor" ? colorizers : denoisers) = one.paths.front();
      fs::create_directories(one.paths.front());
    }
    fs::copy_file(models / "ddcolor_micro.safetensors", colorizers / "micro.safetensors");
    fs::copy_file(models / "ffdnet_small.safetensors", denoisers / "small.safetensors");
    bench.configure();
    put_photo(30, 20);
  }
  Ran run(const std::string& names) {
    return bench.run(R"({"1": {"class_type": "RestoreLoad", "inputs": {"image": "photo.png"}},
      "up": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "realesr-animevideov3-x2.param"}},
      "2": {"class_type": "RestoreModels", "inputs": {"image": ["1", 0], )" +
                     names + R"(}},
      "3": {"class_type": "PackedProbe", "inputs": {"image": ["2", 0]}},
      "4": {"class_type": "RestoreSave", "inputs": {"images": ["3", 0], "filename_prefix": "x"}}})");
  }
  static std::size_t packed(const Ran& ran) {
    EXPECT_FALSE(ran.error) << ran.message();
    const auto texts = ran.all<TextSent>();
    return texts.empty() ? 0 : std::stoul(texts.front().text);
  }

  fs::path colorizers, denoisers;
};

TEST_F(RestoreModelsNode, PacksEveryModelAndCountsThem) {
  const auto none = packed(run(R"("model_2": ["1", 0])"));
  const auto denoiser = packed(run(R"("denoiser": "small.safetensors")"));
  const auto colorizer = packed(run(R"("denoiser": "small.safetensors", "colorizer": "micro.safetensors")"));
  const Ran ran = run(R"("denoiser": "small.safetensors", "colorizer": "micro.safetensors", "model_1": ["up", 0])");
  EXPECT_EQ(none, 0u);
  EXPECT_LT(none, denoiser);
  EXPECT_LT(denoiser, colorizer);
  EXPECT_LT(colorizer, packed(ran));
  std::vector<std::string> told;
  for (const auto& progress : ran.all<NodeProgress>())
    if (progress.node == "2") told.push_back(dump(progress.value) + " of " + dump(progress.max));
  EXPECT_EQ(told, (std::vector<std::string>{"1 of 3", "2 of 3", "3 of 3"}));
}

TEST_F(RestoreModelsNode, NamesTheFileThatFails) {
  std::ofstream(colorizers / "broken.pth") << "no weights";
  std::ofstream(denoisers / "broken.pth") << "no weights";
  for (const char* names : {R"("colorizer": "broken.pth")", R"("denoiser": "broken.pth")"})
    EXPECT_THAT(run(names).message(), testing::StartsWith("broken.pth: "));
  for (const char* names : {R"("colorizer": "gone.pth")", R"("denoiser": "gone.pth")"}) {
    const Ran ran = run(names);
    ASSERT_TRUE(ran.error);
    EXPECT_EQ(string_or(*ran.error, "node_id", ""), "2");
    EXPECT_EQ(string_or(*ran.error, "exception_type", ""), "FileNotFoundError");
  }
}

TEST_F(RestoreModelsNode, LooksAgainWhenAFileHasGone) {
  const std::string names = R"("denoiser": "small.safetensors", "colorizer": "micro.safetensors")";
  EXPECT_FALSE(run(names).error);
  EXPECT_TRUE(run(names).all<TextSent>().empty()) << "nothing has changed: the image comes from the cache";
  fs::remove(denoisers / "small.safetensors");
  EXPECT_THAT(run(names).message(), testing::HasSubstr("'small.safetensors' not found"));
}

class RestorationPreview : public RestorationNodes {};

TEST_F(RestorationPreview, LargeOnesAreMadeSmaller) {
  for (const int width : {512, 513, 1300}) {
    put_photo(width, 40);
    const auto shown = pictures(bench.run(chain(kSharpen), {{"restoration", json::object{}}}));
    ASSERT_EQ(shown.size(), 1u);
    EXPECT_EQ(imaging::decode(shown[0].picture, "x").width, 512) << width;
  }
}

}  // namespace
}  // namespace darkroom
