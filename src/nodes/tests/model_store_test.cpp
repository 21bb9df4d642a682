// What loaders open stays open for the next prompts, and what is packed of it counts in the budget of models.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "nodes/tests/graph_bench.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

class ModelStore : public testing::Test {
 protected:
  void SetUp() override {
    const char* golden = std::getenv("DARKROOM_GOLDEN_MODELS");
    if (!golden) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
    for (auto& folder : bench_.settings.folders.models) folder.paths.push_back(fs::path(golden) / folder.key);
    fs::copy_file(fs::path(DARKROOM_TEST_DATA) / "golden/inputs/ga_wide.png", bench_.settings.folders.input / "ga_wide.png");
    bench_.configure();
  }
  static json::object recorded(const std::string& name) {
    return parse_json(read_file(fs::path(DARKROOM_TEST_DATA) / "observed" / name / "workflow.json")).as_object();
  }
  static json::value& input(json::object& workflow, const char* node, const char* name) {
    return workflow.at(node).at("inputs").as_object()[name];
  }
  /// Runs it; how many models were packed for it.
  std::size_t packings(const json::object& workflow) {
    const auto before = models().packings();
    const Ran ran = bench_.run(workflow);
    EXPECT_FALSE(ran.error) << ran.message();
    return models().packings() - before;
  }
  ModelBudget& models() { return bench_.executor.models(); }

  GraphBench bench_;
};

TEST_F(ModelStore, HooksArePackedOnceForAllSeeds) {
  auto workflow = recorded("hooks/lora");
  EXPECT_EQ(packings(workflow), 2u) << "the model's own UNet, and the one with the LoRA";
  input(workflow, "k", "seed") = 8;
  EXPECT_EQ(packings(workflow), 0u);
  input(workflow, "h", "strength_model") = 0.4;
  EXPECT_EQ(packings(workflow), 1u);
  input(workflow, "h", "strength_model") = 0.8;
  EXPECT_EQ(packings(workflow), 0u) << "the same file as strongly as before";
  models().drop_all_unused();
  EXPECT_EQ(models().bytes(), 0u);
  input(workflow, "k", "seed") = 9;
  EXPECT_EQ(packings(workflow), 2u) << "both have had to make room";
}

TEST_F(ModelStore, ThePiecesOfKeyframesStayAsWell) {
  auto workflow = recorded("hooks/keyframes");
  EXPECT_GT(packings(workflow), 2u);
  input(workflow, "k", "seed") = 8;
  EXPECT_EQ(packings(workflow), 0u);
}

class PackedByLoaders : public ModelStore, public testing::WithParamInterface<std::string> {};

TEST_P(PackedByLoaders, OutlivesResultsAndMakesRoom) {
  auto workflow = recorded(GetParam());
  EXPECT_EQ(packings(workflow), 2u) << "the UNet and what the loader opens";
  const auto both = models().bytes();
  bench_.executor.cache().clear();
  EXPECT_EQ(packings(workflow), 0u);
  EXPECT_EQ(models().drop_all_unused(), both);
  bench_.executor.cache().clear();
  EXPECT_EQ(packings(workflow), 2u);
  EXPECT_EQ(models().bytes(), both);
}

INSTANTIATE_TEST_SUITE_P(Kinds, PackedByLoaders, testing::Values("gligen/one", "vision/style_multiply_1.0"),
                         [](const auto& instance) { return instance.param.substr(0, instance.param.find('/')); });

}  // namespace
}  // namespace darkroom
