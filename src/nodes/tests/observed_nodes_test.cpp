// Replays what single nodes answered on the reference server: tests/data/observed/nodes.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "nodes/tests/probe_bench.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = DARKROOM_TEST_DATA "/observed/nodes";
constexpr double kTolerance = 2e-6;  // float32 arithmetic in another order

json::object read_file(const std::string& node_class) {
  std::ifstream file(kFolder / (node_class + ".json"), std::ios::binary);
  return parse_json(std::string((std::istreambuf_iterator<char>(file)), {})).as_object();
}

class ObservedNodes : public testing::TestWithParam<std::string> {
 protected:
  ProbeBench bench_;
};

TEST_P(ObservedNodes, AnswerAsTheReference) {
  const NodeClassPtr node_class = bench_.find(GetParam());
  ASSERT_TRUE(node_class) << GetParam();
  const std::size_t slots = node_class->schema.outputs().size();
  std::size_t replayed = 0;
  const json::object file = read_file(GetParam());
  for (const auto& item : file.at("cases").as_array()) {
    const json::object& known = item.as_object();
    if (known.contains("refused")) continue;  // the gateway's business
    SCOPED_TRACE(dump(known.at("inputs")).substr(0, 400));
    const Answer answer = bench_.ask(GetParam(), known.at("inputs").as_object());
    ++replayed;
    if (known.contains("error")) {
      EXPECT_NE(answer.fault, "") << "the reference says: " << known.at("message");
      continue;
    }
    ASSERT_EQ(answer.fault, "");
    for (std::size_t slot = 0; slot < slots; ++slot)
      EXPECT_EQ(difference(answer.ui.at("out" + std::to_string(slot)).at("values"), known.at("outputs").at(slot), kTolerance), "") << "slot " << slot;
    if (const auto* ui = known.if_contains("ui")) {
      EXPECT_EQ(difference(answer.ui.at("node"), *ui, kTolerance), "");
    }
  }
  EXPECT_GT(replayed, 0u);
}

std::vector<std::string> observed_classes() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder))
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Classes, ObservedNodes, testing::ValuesIn(observed_classes()), [](const auto& test) { return test.param; });

}  // namespace
}  // namespace darkroom
