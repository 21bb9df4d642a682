// Nodes of the photo service in graphs: a photograph with its metadata through them, and the pictures that watchers get.

#include <gtest/gtest.h>

#include "imaging/decode.hpp"
#include "imaging/photo.hpp"
#include "nodes/tests/graph_bench.hpp"

namespace darkroom {
namespace {

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
