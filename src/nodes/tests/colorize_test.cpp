#include "restore/ddcolor/colorize.hpp"

#include <ATen/ops/floor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "imaging/decode.hpp"
#include "nodes/color_model.hpp"
#include "nodes/tests/graph_bench.hpp"
#include "tensor/safetensors.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const fs::path kData = fs::path(DARKROOM_TEST_DATA) / "restore";
const fs::path kShipped = fs::path(DARKROOM_TEST_DATA).parent_path().parent_path() / "models/upscale_models";

fs::path micro() {
  const char* folder = std::getenv("DARKROOM_RESTORE_MODELS");
  return (folder && *folder ? fs::path(folder) : fs::path(std::getenv("HOME")) / ".cache/darkroom/models-test/restore") / "ddcolor_micro.safetensors";
}

class ColorNodes : public testing::Test {
 protected:
  void SetUp() override {
    for (auto& folder : bench_.settings.folders.models) {
      if (folder.key == "upscale_models") folder.paths.push_back(kShipped);
      if (folder.key == "ddcolor") models_ = folder.paths.front();
    }
    fs::create_directories(models_);
    fs::copy_file(kData / "cases/dd_micro_colour_in.png", bench_.settings.folders.input / "input_image.png");
    bench_.configure();
  }
  void install(const std::string& name) {
    fs::create_directories((models_ / name).parent_path());
    fs::copy_file(micro(), models_ / name);
  }
  /// `node` between the picture and its saving.
  Ran through(const std::string& node) {
    return bench_.run(R"({"1": {"class_type": "LoadImage", "inputs": {"image": "input_image.png"}}, "2": )" + node + R"(,
      "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "out"}}})");
  }
  Ran article(const std::string& widgets) { return through(R"({"class_type": "DDColor", "inputs": {"image": ["1", 0])" + widgets + "}}"); }
  Ran third_party(const std::string& widgets) { return through(R"({"class_type": "DDColor_Colorize", "inputs": {"image": ["1", 0])" + widgets + "}}"); }
  static std::string said(const Ran& ran) { return ran.error ? ran.message() : std::string(ran.outputs.at("2").at("text").at(0).as_string()); }
  imaging::Picture picture(const Ran& ran) { return imaging::decode(read_file(bench_.file(ran.outputs.at("3").at("images").at(0))), "out"); }

  GraphBench bench_;
  fs::path models_;
};

TEST_F(ColorNodes, GiveTheRecordedPicture) {
  install("ddcolor_micro.safetensors");
  const auto recorded = read_safetensors(kData / "cases/dd_micro_colour.safetensors").tensors.at("node_rgb");
  const auto steps = at::floor(recorded.mul(255)).to(at::kByte).contiguous();  // as SaveImage rounds
  for (const Ran& ran : {third_party(R"(, "model_input_size": 96, "checkpoint": "ddcolor_micro.safetensors")"), article(R"(, "model": "ddcolor_micro", "model_input_size": 96)")}) {
    ASSERT_FALSE(ran.error) << ran.message();
    const auto got = picture(ran);
    ASSERT_EQ(got.rgb.size(), static_cast<std::size_t>(steps.numel()));
    std::size_t differing = 0;
    for (std::size_t i = 0; i < got.rgb.size(); ++i) {
      const int step = std::abs(int{got.rgb[i]} - int{steps.const_data_ptr<std::uint8_t>()[i]});
      EXPECT_LE(step, 1);
      differing += step > 0;
    }
    EXPECT_LE(static_cast<double>(differing) / static_cast<double>(got.rgb.size()), 0.01);
    std::int64_t last = 0;
    for (const auto& progress : ran.all<NodeProgress>()) {
      if (progress.node != "2") continue;
      EXPECT_GE(progress.value.as_int64(), last);
      last = progress.value.as_int64();
      EXPECT_EQ(progress.max.as_int64(), Work::kParts);
    }
    EXPECT_EQ(last, Work::kParts);
  }
}

TEST_F(ColorNodes, RunTheArticlesWorkflow) {
  install("anything.safetensors");
  const auto text = "anything.safetensors gave the picture its colours, seen at 512 pixels.";
  // The article's widgets, and missing ones.
  EXPECT_EQ(said(article(R"(, "model": "realesr-animevideov3", "model_input_size": 512, "upscale": false)")),
            std::string(text) + " realesr-animevideov3-x4.param is an upscaler: it was left out, because enlarging is off.");
  EXPECT_EQ(said(article("")), text);
  EXPECT_EQ(said(article(R"(, "upscale": true)")), std::string(text) + " Nothing was enlarged: no upscaler is named.");
}

TEST_F(ColorNodes, EnlargeAfterwards) {
  install("anything.safetensors");
  for (const auto& [name, scale] : {std::pair{"realesr-animevideov3", 4}, {"realesr-animevideov3.pth", 4}, {"RealESR_AnimeVideoV3-x2", 2}, {"realesr-animevideov3-x3.param", 3}}) {
    const Ran ran = article(R"(, "model": ")" + std::string(name) + R"(", "model_input_size": 64, "upscale": true)");
    ASSERT_FALSE(ran.error) << ran.message();
    EXPECT_THAT(said(ran), HasSubstr("enlarged it " + std::to_string(scale) + " times."));
    EXPECT_EQ(picture(ran).width, 72 * scale);
    std::int64_t last = 0;
    for (const auto& progress : ran.all<NodeProgress>()) {
      if (progress.node != "2") continue;
      EXPECT_GE(progress.value.as_int64(), last);
      last = progress.value.as_int64();
      EXPECT_EQ(progress.max.as_int64(), 2 * Work::kParts);
    }
    EXPECT_EQ(last, 2 * Work::kParts);
  }
}

TEST_F(ColorNodes, ShowWhereTheyLookToWhoWatches) {
  install("micro.safetensors");
  const auto run = [&](json::object extra_data) {
    return bench_.run(R"({"1": {"class_type": "LoadImage", "inputs": {"image": "input_image.png"}},
      "2": {"class_type": "DDColor", "inputs": {"image": ["1", 0], "model_input_size": 96}},
      "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "out"}}})",
                      std::move(extra_data));
  };
  const Ran plain = run({});
  EXPECT_TRUE(plain.all<BinarySent>().empty());
  const auto of_plain = picture(plain);
  bench_.executor.free(false, true);  // the same prompt would be cached
  const Ran watched = run({{"restoration", json::object{}}});
  const auto shown = watched.all<BinarySent>();
  ASSERT_GE(shown.size(), 2u) << "the first layer and the last";
  for (const auto& one : shown) {
    EXPECT_EQ(one.event, 0x41545443u);
    EXPECT_EQ(imaging::decode(one.bytes, "x").width, 72);
  }
  EXPECT_EQ(picture(watched).rgb, of_plain.rgb);
  EXPECT_EQ(watched.all<MessageSent>().size(), 1u) << "and the picture with its colours";
}

TEST_F(ColorNodes, SeeTheSizeThatTheFileWasMadeFor) {
  const auto network = read_safetensors(micro());
  const std::vector<std::pair<std::string, at::Tensor>> tensors(network.tensors.begin(), network.tensors.end());
  const auto made_for = [&](const std::string& resolution) {
    const std::string name = "made_for_" + resolution + ".safetensors";
    std::ofstream(models_ / name, std::ios::binary) << dump_safetensors(tensors, {{"modelspec.resolution", resolution}});
    return name;
  };
  const auto seen = [&](const std::string& size) { return said(article(R"(, "model": ")" + made_for("64x64") + '"' + size)); };
  EXPECT_THAT(seen(R"(, "model_input_size": 0)"), HasSubstr("seen at 64 pixels"));
  EXPECT_THAT(seen(R"(, "model_input_size": 96)"), HasSubstr("seen at 96 pixels"));
  EXPECT_THAT(seen(""), HasSubstr("seen at 512 pixels")) << "the widget's default";
  EXPECT_THAT(third_party(R"(, "model_input_size": 0, "checkpoint": ")" + made_for("64x64") + '"').message(),
              HasSubstr("model_input_size"));
  for (const char* usable : {"32x32", "4096x4096"}) EXPECT_EQ(native_side_of(models_ / made_for(usable)), std::atoi(usable));
  for (const char* other : {"64x96", "48x48", "0x0", "4128x4128", "small"})
    EXPECT_EQ(native_side_of(models_ / made_for(other)), 512) << other;
  EXPECT_EQ(native_side_of(micro()), 512);
  EXPECT_EQ(native_side_of(kData / "files/srvgg_x1_params.pth"), 512);
}

TEST_F(ColorNodes, SayHowToGetAColouriser) {
  for (const Ran& ran : {article(""), article(R"(, "model": "realesr-animevideov3")"), third_party(R"(, "model_input_size": 512, "checkpoint": "ddcolor_paper_tiny.pth")")}) {
    ASSERT_TRUE(ran.error);
    EXPECT_THAT(ran.message(), HasSubstr("no colouriser is installed: put a DDColor checkpoint (.pth, .safetensors, .bin) into models/ddcolor, or run: darkroom models pull ddcolor"));
    EXPECT_THAT(ran.message(), Not(HasSubstr(models_.string())));
  }
  install("other.pth");
  EXPECT_THAT(third_party(R"(, "model_input_size": 512, "checkpoint": "ddcolor_paper.pth")").message(), HasSubstr("ddcolor_paper.pth is not installed (there is other.pth)"));
  EXPECT_THAT(article(R"(, "model": "ddcolor_paper")").message(), HasSubstr("ddcolor_paper is not installed"));
  EXPECT_THAT(article(R"(, "model": "nothing")").message(), HasSubstr("is called nothing"));
}

TEST_F(ColorNodes, FindPublishedNamesInOtherContainers) {
  install("ddcolor_paper_tiny/pytorch_model.bin");
  EXPECT_FALSE(third_party(R"(, "model_input_size": 64, "checkpoint": "ddcolor_paper_tiny.pth")").error);
  install("ddcolor_paper.safetensors");
  EXPECT_FALSE(third_party(R"(, "model_input_size": 64, "checkpoint": "ddcolor_paper.pth")").error);
  // Of the same size the publisher's order counts.
  EXPECT_THAT(said(article("")), HasSubstr("ddcolor_paper.safetensors gave"));
}

TEST_F(ColorNodes, BlameTheFileAndTheSize) {
  fs::copy_file(kData / "files/srvgg_x1_params.pth", models_ / "upscaler.pth");
  EXPECT_THAT(article("").message(), HasSubstr("upscaler.pth: its tensors belong to no DDColor network"));
  install("micro.safetensors");
  for (const char* side : {"48", "16", "-32", "4128"})
    EXPECT_THAT(article(std::string(R"(, "model": "micro", "model_input_size": )") + side).message(), HasSubstr("model_input_size: "));
}

TEST_F(ColorNodes, ColourEachFrameAloneAndKeepAlpha) {
  install("micro.safetensors");
  const Ran ran = bench_.run(R"({"1": {"class_type": "LoadImage", "inputs": {"image": "input_image.png"}},
    "grey": {"class_type": "EmptyImage", "inputs": {"width": 72, "height": 64, "batch_size": 1, "color": 8421504}},
    "both": {"class_type": "ImageBatch", "inputs": {"image1": ["grey", 0], "image2": ["1", 0]}},
    "one": {"class_type": "DDColor", "inputs": {"image": ["1", 0], "model_input_size": 64}},
    "two": {"class_type": "DDColor", "inputs": {"image": ["both", 0], "model_input_size": 64}},
    "mask": {"class_type": "SolidMask", "inputs": {"value": 0.25, "width": 72, "height": 64}},
    "clear": {"class_type": "JoinImageWithAlpha", "inputs": {"image": ["1", 0], "alpha": ["mask", 0]}},
    "three": {"class_type": "DDColor", "inputs": {"image": ["clear", 0], "model_input_size": 64}},
    "save one": {"class_type": "SaveImage", "inputs": {"images": ["one", 0], "filename_prefix": "one"}},
    "save two": {"class_type": "SaveImage", "inputs": {"images": ["two", 0], "filename_prefix": "two"}},
    "save three": {"class_type": "SaveImage", "inputs": {"images": ["three", 0], "filename_prefix": "three"}}})");
  ASSERT_FALSE(ran.error) << ran.message();
  const auto saved = [&](const char* node, std::size_t index) { return imaging::decode(read_file(bench_.file(ran.outputs.at(node).at("images").at(index))), "out"); };
  ASSERT_EQ(ran.outputs.at("save two").at("images").as_array().size(), 2u);
  EXPECT_EQ(saved("save two", 1).rgb, saved("save one", 0).rgb);
  EXPECT_THAT(std::string(ran.outputs.at("two").at("text").at(0).as_string()), HasSubstr("gave 2 pictures their colours"));
  const auto clear = saved("save three", 0);
  EXPECT_EQ(clear.rgb, saved("save one", 0).rgb);
  EXPECT_TRUE(clear.alpha.has_value());
}

}  // namespace
}  // namespace darkroom
