// Hooks: where strengths stand as sigma falls, which hooks are the same, and for which parts of the schedule a text is encoded.

#include "diffusion/hooks.hpp"

#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diffusion/clip.hpp"
#include "diffusion/model_sampling.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;

class NoChange final : public HookWeights {
 public:
  Weights::Patch unet_patch(const Weights&, double, std::set<std::string>&) const override { return {}; }
  Weights::Patch clip_patch(const Clip&, double strength) const override {
    strengths.push_back(strength);
    return [](const std::string&, const at::Tensor& weight) { return weight; };
  }
  mutable std::vector<double> strengths;
};

HookKeyframes made(const std::vector<HookKeyframe>& list) {
  HookKeyframes keyframes;
  for (const auto& keyframe : list) add_keyframe(keyframes, keyframe);
  return keyframes;
}

class Track : public testing::Test {
 protected:
  std::shared_ptr<const ModelSampling> sampling_ = discrete_sampling(Prediction::kEps);
  /// The strengths at tenths of the schedule, from `first` on.
  std::vector<double> strengths(const std::vector<HookKeyframe>& list, int first = 0) {
    const auto sigma = [&](int tenth) { return tenth == 0 ? sampling_->sigma_max() : sampling_->percent_to_sigma(0.1 * tenth + 0.001); };
    KeyframeTrack track(made(list), *sampling_, sigma(first));
    std::vector<double> result;
    for (int tenth = first; tenth < 10; ++tenth) result.push_back(track.at(sigma(tenth)));
    return result;
  }
};

TEST_F(Track, WithoutKeyframesItIsWhole) { EXPECT_THAT(strengths({}, 7), ElementsAre(1, 1, 1)); }
TEST_F(Track, TheFirstHoldsBeforeItBegins) { EXPECT_THAT(strengths({{0.5, 0.95}}, 7), ElementsAre(0.5, 0.5, 0.5)); }
TEST_F(Track, GoesOnAtTheStart) { EXPECT_THAT(strengths({{0.3, 0.2}, {0.6, 0.5}}), ElementsAre(0.3, 0.3, 0.3, 0.3, 0.3, 0.6, 0.6, 0.6, 0.6, 0.6)); }
TEST_F(Track, EachIsKeptForItsSteps) {
  EXPECT_THAT(strengths({{0.1, 0.0}, {0.2, 0.01}, {0.3, 0.02}, {0.4, 0.03}}), ElementsAre(0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4));
}
TEST_F(Track, OneOfNoStepsIsPassedOver) { EXPECT_THAT(strengths({{0.1, 0.0, 1}, {0.2, 0.72, 0}, {0.3, 0.75, 0}}, 7), ElementsAre(0.1, 0.3, 0.3)); }
TEST_F(Track, WhatBeganBeforeTheRunNeedNotBeKept) { EXPECT_THAT(strengths({{0.3, 0.1}, {0.5, 0.2}, {0.6, 0.5}}, 7), ElementsAre(0.6, 0.6, 0.6)); }
TEST_F(Track, OfTwoThatStartTogetherTheLaterStands) { EXPECT_THAT(strengths({{0.1, 0.0}, {0.9, 0.0}}, 7), ElementsAre(0.9, 0.9, 0.9)); }

TEST_F(Track, NeverGoesBackAndCountsASigmaOnce) {
  KeyframeTrack track(made({{0.1, 0.0}, {0.2, 0.3}, {0.3, 0.31}}), *sampling_, sampling_->sigma_max());
  const double late = sampling_->percent_to_sigma(0.5);
  EXPECT_EQ(track.at(sampling_->sigma_max()), 0.1);
  EXPECT_EQ(track.at(late), 0.2);
  EXPECT_EQ(track.at(late), 0.2);
  EXPECT_EQ(track.at(sampling_->percent_to_sigma(0.2)), 0.2);  // up again: the next has not begun there
  EXPECT_EQ(track.at(late), 0.3);
}

TEST(Hooks, KeyframesStandInOrderOfTheirStarts) {
  const auto keyframes = made({{0.5, 0.5}, {0.7, 0.2}, {0.9, 0.5}});
  ASSERT_EQ(keyframes.size(), 3u);
  EXPECT_THAT((std::vector{keyframes[0].strength, keyframes[1].strength, keyframes[2].strength}), ElementsAre(0.7, 0.5, 0.9));
}

TEST(Hooks, TheSameWeightsCountOnce) {
  const auto one = std::make_shared<NoChange>(), two = std::make_shared<NoChange>();
  const Hooks first{{one, 0.5, 1, {}}}, second{{two, 1, 1, {}}, {one, 0.9, 1, made({{2, 0}})}};
  const auto both = combined(first, second);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].strength_model, 0.5);
  EXPECT_EQ(both[1].weights, two);
}

TEST(Hooks, ATextIsEncodedForEachStrength) {
  const auto weights = std::make_shared<NoChange>();
  const Hooks hooks{{weights, 1, 0.5, made({{0.3, 0.2}, {0.6, 0.5}, {1.0, 0.5}, {2.0, 0.9}})}};
  const auto plain = std::make_shared<const Clip>(TextFamily::kSd1, Weights(std::make_shared<const StateDict>()));
  const auto encode = [](const Clip&) {
    Cond cond;
    cond.text = at::zeros({1, 77, 8});
    return cond;
  };
  EXPECT_FALSE(encode_hooked(plain, encode).at(0).hooks);

  const auto once = encode_hooked(plain->with_hooks(std::make_shared<const ClipHooks>(ClipHooks{hooks, true, false})), encode);
  ASSERT_EQ(once.size(), 1u);
  EXPECT_FALSE(once[0].text_start_percent);
  EXPECT_EQ(once[0].hooks->size(), 1u);
  EXPECT_THAT(weights->strengths, ElementsAre(0.5));

  weights->strengths.clear();
  const auto parts = encode_hooked(plain->with_hooks(std::make_shared<const ClipHooks>(ClipHooks{hooks, false, true})), encode);
  EXPECT_THAT(weights->strengths, ElementsAre(0.5, 0.15, 0.5, 1.0));
  ASSERT_EQ(parts.size(), 4u);
  const std::vector<double> bounds{0, 0.2, 0.5, 0.9, 1};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].text_start_percent, bounds[i]);
    EXPECT_EQ(parts[i].text_end_percent, bounds[i + 1]);
    EXPECT_FALSE(parts[i].hooks);
  }
}

}  // namespace
}  // namespace darkroom
