#include "diffusion/gligen.hpp"

#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "diffusion/tests/golden.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kPhrase = 24, kWidth = 32;

/// Two fusers: of the first input block and of the middle.
StateDict small_gligen(double gate) {
  StateDict tensors;
  const auto both = [&tensors](const std::string& name, std::int64_t out, std::int64_t in) {
    tensors.emplace(name + ".weight", at::randn({out, in}).div_(std::sqrt(static_cast<double>(in))));
    tensors.emplace(name + ".bias", at::randn({out}).mul_(0.1));
  };
  tensors.emplace("position_net.null_positive_feature", at::randn({kPhrase})), tensors.emplace("position_net.null_position_feature", at::randn({64}));
  both("position_net.linears.0", 40, kPhrase + 64), both("position_net.linears.2", 40, 40), both("position_net.linears.4", kPhrase, 40);
  for (const std::string place : {"input_blocks.1.1", "middle_block.1"}) {
    const auto fuser = place + ".transformer_blocks.0.fuser.";
    both(fuser + "linear", kWidth, kPhrase);
    for (const char* layer : {"attn.to_q", "attn.to_k", "attn.to_v"}) tensors.emplace(fuser + layer + ".weight", at::randn({kWidth, kWidth}).div_(5));
    both(fuser + "attn.to_out.0", kWidth, kWidth), both(fuser + "ff.net.0.proj", 8 * kWidth, kWidth), both(fuser + "ff.net.2", kWidth, 4 * kWidth);
    for (const char* norm : {"norm1", "norm2"}) tensors.emplace(fuser + norm + ".weight", at::ones({kWidth})), tensors.emplace(fuser + norm + ".bias", at::zeros({kWidth}));
    tensors.emplace(fuser + "alpha_attn", at::ones({}).mul_(gate)), tensors.emplace(fuser + "alpha_dense", at::ones({}).mul_(gate));
  }
  return tensors;
}

Gligen make(StateDict tensors) { return Gligen(Weights(std::make_shared<const StateDict>(std::move(tensors))), {}); }

UNetPlace place(std::int64_t number) {
  UNetPlace at;
  at.number = number, at.heads = 4;
  return at;
}

TEST(Gligen, TokensOfPlacesWithoutABoxAreAlike) {
  const c10::InferenceMode guard;
  const auto gligen = make(small_gligen(1));
  const auto phrase = at::randn({1, kPhrase});
  const auto objects = gligen.objects({{phrase, {4, 4, 0, 0}}, {phrase, {4, 4, 2, 0}}}, 8, 8);
  ASSERT_EQ(objects.sizes(), at::IntArrayRef({1, Gligen::kMaxBoxes, kPhrase}));
  EXPECT_GT(relative_error(objects[0][0], objects[0][1]), 1e-3);  // the place counts
  EXPECT_GT(relative_error(objects[0][1], objects[0][2]), 1e-3);
  for (std::int64_t i = 3; i < Gligen::kMaxBoxes; ++i) EXPECT_LT(relative_error(objects[0][i], objects[0][2]), 1e-6);
  // In shares of the latent: the same box of a latent twice as large.
  EXPECT_LT(relative_error(gligen.objects({{phrase, {8, 8, 0, 0}}}, 16, 16)[0][0], objects[0][0]), 1e-6);
}

TEST(Gligen, ClosedGatesAndOtherBlocksChangeNothing) {
  const c10::InferenceMode guard;
  const auto open = make(small_gligen(0.7)), closed = make(small_gligen(0));
  const auto tokens = at::randn({2, 6, kWidth}), given = tokens.clone();
  const auto objects = open.objects({{at::randn({1, kPhrase}), {4, 4, 0, 0}}}, 8, 8);
  EXPECT_LT(relative_error(closed.fused(tokens, objects, place(0)), given), 1e-6);
  EXPECT_GT(relative_error(open.fused(tokens, objects, place(1)), given), 1e-2);
  EXPECT_TRUE(tokens.equal(given));
  EXPECT_TRUE(open.fused(tokens, objects, place(2)).is_same(tokens));
}

TEST(Gligen, RefusesWhatDoesNotFit) {
  const c10::InferenceMode guard;
  const auto gligen = make(small_gligen(1));
  const GligenBox box{at::randn({1, kPhrase}), {4, 4, 0, 0}};
  EXPECT_THROW(gligen.objects({{at::randn({1, 7}), {4, 4, 0, 0}}}, 8, 8), InvalidInput);
  EXPECT_THROW(gligen.objects(std::vector<GligenBox>(31, box), 8, 8), InvalidInput);
  EXPECT_NO_THROW(gligen.objects(std::vector<GligenBox>(30, box), 8, 8));
  EXPECT_THROW(gligen.fused(at::randn({1, 6, 64}), gligen.objects({box}, 8, 8), place(0)), InvalidInput);
  for (const char* name : {"position_net.linears.2.weight", "position_net.null_position_feature", "middle_block.1.transformer_blocks.0.fuser.alpha_attn", "middle_block.1.transformer_blocks.0.fuser.ff.net.2.weight"}) {
    auto cut = small_gligen(1);
    ASSERT_EQ(cut.erase(name), 1U);
    EXPECT_THROW(make(cut), InvalidInput) << name;
  }
  EXPECT_THROW(make({}), InvalidInput);
}

}  // namespace
}  // namespace darkroom
