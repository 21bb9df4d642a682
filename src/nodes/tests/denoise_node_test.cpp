#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "imaging/decode.hpp"
#include "nodes/tests/graph_bench.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class DenoiseNode : public testing::Test {
 protected:
  void SetUp() override {
    const auto data = fs::path(DARKROOM_TEST_DATA);
    for (auto& folder : bench_.settings.folders.models)
      if (folder.key == "denoise") folder.paths.push_back(data.parent_path().parent_path() / "models/denoise"), models_ = folder.paths.front();
    fs::create_directories(models_);
    fs::copy_file(data / "restore/cases/dd_micro_colour_in.png", bench_.settings.folders.input / "old.png");
    bench_.configure();
  }
  Ran run(const std::string& values) {
    return bench_.run(R"({"1": {"class_type": "LoadImage", "inputs": {"image": "old.png"}},
      "2": {"class_type": "ImageDenoise", "inputs": {"image": ["1", 0], )" + values + R"(}},
      "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "out"}}})");
  }
  std::vector<std::uint8_t> pixels(const Ran& ran) {
    EXPECT_FALSE(ran.error) << ran.message();
    return imaging::decode(read_file(bench_.file(ran.outputs.at("3").at("images").at(0))), "out").rgb;
  }

  GraphBench bench_;
  fs::path models_;
};

double roughness(const std::vector<std::uint8_t>& rgb) {
  double sum = 0;
  for (std::size_t i = 3; i < rgb.size(); ++i) sum += std::abs(int{rgb[i]} - int{rgb[i - 3]});
  return sum;
}

TEST_F(DenoiseNode, SmoothsByNoiseAndStrength) {
  const auto original = pixels(run(R"("model_name": "ffdnet_color.pth", "noise": 50, "strength": 0)"));
  const auto half = pixels(run(R"("model_name": "ffdnet_color.pth", "noise": 50, "strength": 0.5)"));
  const auto clean = pixels(run(R"("model_name": "ffdnet_color.pth", "noise": 50)"));
  EXPECT_LT(roughness(clean), 0.8 * roughness(original));
  EXPECT_LT(roughness(clean), roughness(half));
  EXPECT_LT(roughness(half), roughness(original));
}

TEST_F(DenoiseNode, SaysWhatIsWrong) {
  EXPECT_THAT(run(R"("model_name": "none.pth", "noise": 5)").message(), HasSubstr("'none.pth' not found"));
  EXPECT_THAT(run(R"("model_name": "ffdnet_color.pth", "noise": 76)").message(), HasSubstr("noise: 76 is not between 0 and 75"));
  EXPECT_THAT(run(R"("model_name": "ffdnet_color.pth", "noise": 5, "strength": 1.5)").message(), HasSubstr("strength: 1.5"));
  fs::copy_file(fs::path(DARKROOM_TEST_DATA) / "restore/files/srvgg_x1_params.pth", models_ / "upscaler.pth");
  EXPECT_THAT(run(R"("model_name": "upscaler.pth", "noise": 5)").message(), HasSubstr("upscaler.pth: its tensors belong to no denoiser"));
}

}  // namespace
}  // namespace darkroom
