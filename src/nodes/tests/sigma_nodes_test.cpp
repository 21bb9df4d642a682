// Sigma, scheduler, sampler and noise nodes that need no model: what they give through a graph, and what wrong values get.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/tests/probe_bench.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

json::object sigmas(std::initializer_list<double> values) {
  json::array data;
  for (const double value : values) data.emplace_back(value);
  return {{"link", json::object{{"shape", json::array{values.size()}}, {"data", std::move(data)}}}};
}

class SigmaNodes : public testing::Test {
 protected:
  /// The SIGMAS of a slot as ProbeDump shows them.
  json::value shown(const std::string& node_class, const json::object& inputs, int slot = 0) {
    const auto answer = bench_.ask(node_class, inputs);
    EXPECT_EQ(answer.fault, "") << node_class;
    const auto found = answer.ui.find("out" + std::to_string(slot));
    return found == answer.ui.end() ? json::value() : found->second.at("values").at(0);
  }
  void expect(const std::string& node_class, const json::object& inputs, std::initializer_list<double> wanted, int slot = 0) {
    json::array data;
    for (const double value : wanted) data.emplace_back(value);
    const json::value got = shown(node_class, inputs, slot);
    EXPECT_EQ(difference(got.at("data"), data, 1e-6), "") << node_class << " " << got;
  }
  std::string fault(const std::string& node_class, const json::object& inputs) { return bench_.ask(node_class, inputs).fault; }

  ProbeBench bench_;
};

TEST_F(SigmaNodes, Lists) {
  const auto falling = sigmas({14.6, 7, 3, 1, 0.5, 0});
  expect("FlipSigmas", {{"sigmas", falling}}, {0.0001, 0.5, 1, 3, 7, 14.6});
  expect("SplitSigmas", {{"sigmas", falling}, {"step", 2}}, {14.6, 7, 3});
  expect("SplitSigmas", {{"sigmas", falling}, {"step", 2}}, {3, 1, 0.5, 0}, 1);
  expect("SplitSigmasDenoise", {{"sigmas", falling}, {"denoise", 0.5}}, {1, 0.5, 0}, 1);
  expect("SetFirstSigma", {{"sigmas", falling}, {"sigma", 20.0}}, {20, 7, 3, 1, 0.5, 0});
  expect("ExtendIntermediateSigmas", {{"sigmas", falling}, {"steps", 2}, {"start_at_sigma", 7.0}, {"end_at_sigma", 1.0}, {"spacing", "linear"}},
         {14.6, 7, 5, 3, 2, 1, 0.75, 0.5, 0});
  expect("ManualSigmas", {{"sigmas", "3, 1.5 0"}}, {3, 1.5, 0});
}

TEST_F(SigmaNodes, Schedules) {
  expect("KarrasScheduler", {{"steps", 3}, {"sigma_max", 14.6}, {"sigma_min", 0.0}, {"rho", 7.0}}, {14.600001335144043, 0.11406251043081284, 0, 0});
  expect("VPScheduler", {{"steps", 3}, {"beta_d", 19.9}, {"beta_min", 0.1}, {"eps_s", 0.0}}, {152.16697692871094, 3.4129180908203125, 0, 0});
  expect("AlignYourStepsScheduler", {{"model_type", "SDXL"}, {"steps", 2}, {"denoise", 1.0}}, {14.614641189575195, 0.8620721101760864, 0});
  expect("OptimalStepsScheduler", {{"model_type", "Wan"}, {"steps", 3}, {"denoise", 1.0}}, {1, 0.9856662154197693, 0.9396237730979919, 0});
  expect("OptimalStepsScheduler", {{"model_type", "Chroma"}, {"steps", 3}, {"denoise", 1.0}}, {0.9919999837875366, 0.893621563911438, 0.3700220286846161, 0});
  expect("GITSScheduler", {{"coeff", 1.15}, {"steps", 4}, {"denoise", 1.0}}, {14.614641189575195, 5.85520076751709, 1.5627163648605347, 0.5242361426353455, 0});
  expect("GITSScheduler", {{"coeff", 1.2}, {"steps", 10}, {"denoise", 0.25}}, {0.19894916, 0.09824532, 0});
  expect("GITSScheduler", {{"coeff", 1.2}, {"steps", 10}, {"denoise", 0.0}}, {});
}

TEST_F(SigmaNodes, NameWhatIsWrong) {
  const json::object range{{"steps", 3}, {"sigma_max", 14.6}};
  const auto with = [&](json::object more) {
    json::object all = range;
    for (const auto& [name, value] : more) all[name] = value;
    return all;
  };
  EXPECT_THAT(fault("ExponentialScheduler", with({{"sigma_min", 0.0}})), HasSubstr("sigma_min"));
  EXPECT_THAT(fault("PolyexponentialScheduler", with({{"sigma_min", 0.0}, {"rho", 1.0}})), HasSubstr("sigma_min"));
  EXPECT_THAT(fault("KarrasScheduler", with({{"sigma_min", 0.1}, {"rho", 0.0}})), HasSubstr("rho"));
  EXPECT_THAT(fault("GITSScheduler", {{"coeff", 0.81}, {"steps", 10}, {"denoise", 1.0}}), HasSubstr("coeff"));
  EXPECT_THAT(fault("SetFirstSigma", {{"sigmas", sigmas({})}, {"sigma", 20.0}}), HasSubstr("sigmas"));
  EXPECT_THAT(fault("FlipSigmas", {{"sigmas", json::object{{"link", "no sigmas"}}}}), HasSubstr("sigmas"));
  EXPECT_THAT(fault("FlipSigmas", {{"sigmas", json::object{{"link", json::object{{"shape", json::array{1, 2}}, {"data", json::array{1.0, 0.0}}}}}}}), HasSubstr("sigmas"));
  EXPECT_THAT(fault("BasicScheduler", {{"model", json::object{{"link", "no model"}}}, {"scheduler", "normal"}, {"steps", 3}, {"denoise", 1.0}}), HasSubstr("model"));
}

}  // namespace
}  // namespace darkroom
