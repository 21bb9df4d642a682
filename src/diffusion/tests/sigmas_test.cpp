// Lists of sigmas by hand: expected values as ComfyUI 0.8.0 gives them.
#include "diffusion/sigmas.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;
using testing::IsEmpty;

const Sigmas kSigmas{14.6F, 7, 3, 1, 0.5F, 0};

TEST(Sigmas, Flipped) {
  EXPECT_THAT(flipped(kSigmas), ElementsAre(0.0001F, 0.5F, 1, 3, 7, 14.6F));
  EXPECT_THAT(flipped({5}), ElementsAre(5));
  EXPECT_THAT(flipped({}), IsEmpty());
}

TEST(Sigmas, Split) {
  const auto at = [](std::int64_t step) { return split_at(kSigmas, step); };
  EXPECT_THAT(at(0).first, ElementsAre(14.6F));
  EXPECT_EQ(at(0).second, kSigmas);
  EXPECT_THAT(at(2).first, ElementsAre(14.6F, 7, 3));
  EXPECT_THAT(at(2).second, ElementsAre(3, 1, 0.5F, 0));
  EXPECT_THAT(at(5).second, ElementsAre(0));
  EXPECT_EQ(at(100).first, kSigmas);
  EXPECT_THAT(at(100).second, IsEmpty());
  EXPECT_THAT(split_at({}, 3).first, IsEmpty());
}

TEST(Sigmas, SplitByDenoise) {
  EXPECT_THAT(split_denoise(kSigmas, 0.5).first, ElementsAre(14.6F, 7, 3, 1)) << "2.5 steps round to even";
  EXPECT_THAT(split_denoise(kSigmas, 0.5).second, ElementsAre(1, 0.5F, 0));
  EXPECT_THAT(split_denoise(kSigmas, 0.9).first, ElementsAre(14.6F, 7));
  EXPECT_EQ(split_denoise(kSigmas, 1).second, kSigmas);
  EXPECT_THAT(split_denoise(kSigmas, 0).first, IsEmpty());
  EXPECT_THAT(split_denoise(kSigmas, 0.1).second, ElementsAre(0));
  EXPECT_THAT(split_denoise({}, 0.5).second, IsEmpty());
}

TEST(Sigmas, FirstOne) {
  EXPECT_THAT(with_first({7, 3, 0}, 20), ElementsAre(20, 3, 0));
  EXPECT_THROW(with_first({}, 20), InvalidInput);
}

TEST(Sigmas, Extended) {
  EXPECT_THAT(extended({7, 3, 0.5F, 0}, 2, 7, 1, "linear"), ElementsAre(7, 5, 3, 1.75F, 0.5F, 0));
  EXPECT_THAT(extended(kSigmas, 2, 7, 1, "linear"), ElementsAre(14.6F, 7, 5, 3, 2, 1, 0.75F, 0.5F, 0));
  EXPECT_THAT(extended({14.6F, 7}, 3, -1, 1, "cosine"), ElementsAre(14.6F, FloatNear(10.8F, 1e-5F), FloatNear(8.0182075F, 1e-5F), 7));
  EXPECT_THAT(extended({14.6F, 7}, 3, -1, 1, "sine"), ElementsAre(14.6F, FloatNear(13.581793F, 1e-5F), FloatNear(10.800001F, 1e-5F), 7));
  EXPECT_EQ(extended(kSigmas, 1, -1, 0, "linear"), kSigmas);
  EXPECT_THAT(extended({}, 3, -1, 0, "linear"), IsEmpty());
  EXPECT_THROW(extended(kSigmas, 0, -1, 0, "linear"), InvalidInput);
  EXPECT_THROW(extended(kSigmas, 2, -1, 0, "round"), InvalidInput);
}

TEST(Sigmas, OfText) {
  EXPECT_THAT(parsed_sigmas("1, 0.5"), ElementsAre(1, 0.5F));
  EXPECT_THAT(parsed_sigmas("-1 .5 3."), ElementsAre(-1, 0.5F, 3));
  EXPECT_THAT(parsed_sigmas("10;5;0"), ElementsAre(10, 5, 0));
  EXPECT_THAT(parsed_sigmas("1.5.2"), ElementsAre(1.5F, FloatEq(0.2F)));
  EXPECT_THAT(parsed_sigmas("1e-3, 2"), ElementsAre(1, -3, 2));
  EXPECT_THAT(parsed_sigmas("0x10"), ElementsAre(0, 10));
  EXPECT_THAT(parsed_sigmas("+3 4e2"), ElementsAre(3, 4, 2));
  EXPECT_THAT(parsed_sigmas("nan, inf, -, ., +-"), IsEmpty());
  EXPECT_THROW(parsed_sigmas(std::string(60, '9')), InvalidInput);
}

TEST(Sigmas, Turbo) {
  const auto eps = discrete_sampling(Prediction::kEps);
  const auto near = [](double value) { return FloatNear(static_cast<float>(value), static_cast<float>(value) * 1e-6F); };
  EXPECT_THAT(turbo_sigmas(*eps, 1, 1), ElementsAre(near(14.614640235900879), 0));
  EXPECT_THAT(turbo_sigmas(*eps, 3, 0.5), ElementsAre(near(1.6128861904144287), near(1.1605783700942993), near(0.8298595547676086), 0));
  EXPECT_EQ(turbo_sigmas(*eps, 10, 0.5).size(), 6u);
  EXPECT_THAT(turbo_sigmas(*eps, 3, 0), ElementsAre(0));
  EXPECT_THAT(turbo_sigmas(*flow_sampling(3), 1, 1), ElementsAre(near(0.9996663928031921), 0));
}

TEST(Sigmas, Basic) {
  const auto eps = discrete_sampling(Prediction::kEps);
  EXPECT_THAT(basic_schedule(*eps, "simple", 3, 0.5), ElementsAre(FloatNear(1.6128862F, 1e-6F), FloatNear(0.932358F, 1e-6F), FloatNear(0.49240923F, 1e-6F), 0));
  EXPECT_EQ(basic_schedule(*eps, "simple", 3, 0.9999), basic_schedule(*eps, "simple", 3, 1));
  EXPECT_THAT(basic_schedule(*eps, "simple", 3, 0), IsEmpty());
  EXPECT_THROW(basic_schedule(*eps, "simple", 10000, 1e-7), InvalidInput);
}

}  // namespace
}  // namespace darkroom
