#include "diffusion/style_model.hpp"

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

constexpr std::int64_t kWidth = 32, kText = 24, kTokens = 3;

StateDict small_style() {
  StateDict tensors;
  const auto both = [&tensors](const std::string& name, const std::string& between, std::int64_t out, std::int64_t in) {
    tensors.emplace(name + between + "weight", at::randn({out, in}).div_(std::sqrt(static_cast<double>(in))));
    tensors.emplace(name + between + "bias", at::randn({out}).mul_(0.1));
  };
  tensors.emplace("style_embedding", at::randn({1, kTokens, kWidth})), tensors.emplace("proj", at::randn({kWidth, kText}));
  for (int i = 0; i < 2; ++i) {
    const auto layer = "transformer_layes." + std::to_string(i) + ".";
    both(layer + "attn.in_proj", "_", 3 * kWidth, kWidth), both(layer + "attn.out_proj", ".", kWidth, kWidth);
    both(layer + "mlp.c_fc", ".", 4 * kWidth, kWidth), both(layer + "mlp.c_proj", ".", kWidth, 4 * kWidth);
    for (const char* norm : {"ln_1", "ln_2"}) tensors.emplace(layer + norm + ".weight", at::ones({kWidth})), tensors.emplace(layer + norm + ".bias", at::zeros({kWidth}));
  }
  for (const char* norm : {"ln_pre", "ln_post"}) tensors.emplace(std::string(norm) + ".weight", at::ones({kWidth})), tensors.emplace(std::string(norm) + ".bias", at::zeros({kWidth}));
  return tensors;
}

StyleModel make(StateDict tensors) { return StyleModel(Weights(std::make_shared<const StateDict>(std::move(tensors))), {}); }

TEST(StyleModel, GivesItsTokensForEachPicture) {
  const c10::InferenceMode guard;
  const auto style = make(small_style());
  const auto states = at::randn({2, 10, kWidth});
  const auto tokens = style(states);
  ASSERT_EQ(tokens.sizes(), at::IntArrayRef({2, kTokens, kText}));
  EXPECT_LT(relative_error(style(states.narrow(0, 1, 1)), tokens.narrow(0, 1, 1)), 1e-5);
  EXPECT_GT(relative_error(tokens.narrow(0, 0, 1), tokens.narrow(0, 1, 1)), 1e-2);
}

TEST(StyleModel, RefusesWhatDoesNotFit) {
  const c10::InferenceMode guard;
  EXPECT_THROW(make(small_style())(at::randn({1, 10, 40})), InvalidInput);
  for (const char* name : {"style_embedding", "proj", "ln_post.bias", "transformer_layes.1.attn.in_proj_weight"}) {
    auto cut = small_style();
    ASSERT_EQ(cut.erase(name), 1U);
    EXPECT_THROW(make(cut), InvalidInput) << name;
  }
}

}  // namespace
}  // namespace darkroom
