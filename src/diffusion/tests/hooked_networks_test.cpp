// UNets that share what hooks do not change: the same numbers as one with other weights packed whole.

#include "diffusion/hooked_networks.hpp"

#include <ATen/ops/equal.h>
#include <ATen/ops/randn_like.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "diffusion/hooked_unets.hpp"
#include "diffusion/tests/small_unet.hpp"
#include "tensor/model_budget.hpp"

namespace darkroom {
namespace {

/// Adds something to one weight.
class OneWeight final : public HookWeights {
 public:
  /// `file`: what it says that it was read from; null: itself.
  OneWeight(std::string name, at::Tensor by, const void* file = nullptr) : name_(std::move(name)), by_(std::move(by)), file_(file) {}
  const void* source() const override { return file_ ? file_ : this; }
  Weights::Patch unet_patch(const Weights&, double strength, std::set<std::string>& names) const override {
    names.insert(name_);
    return [this, strength](const std::string& name, const at::Tensor& weight) { return name == name_ ? weight + by_ * strength : weight; };
  }
  Weights::Patch clip_patch(const Clip&, double) const override { return {}; }

 private:
  std::string name_;
  at::Tensor by_;
  const void* file_;
};

class HookedNetwork : public testing::TestWithParam<const char*> {};

TEST_P(HookedNetwork, IsTheOneThatWouldBePackedWhole) {
  const c10::InferenceMode guard;
  SmallUNet small;
  const std::string name = GetParam();
  const auto by = at::randn_like(small.tensors().at(name)).mul_(0.1);
  const OneWeight hook_weights(name, by);
  const auto hooks = Hooks{{std::shared_ptr<const HookWeights>(&hook_weights, [](const auto*) {}), 0.7, 1, {}}};
  const auto model = load_diffusion_model(small.weights(), {});
  HookedNetworks networks(model, 14.0);
  const auto key = networks.key_at(&hooks, 5.0);
  ASSERT_EQ(key.size(), 1u);
  const auto call = random_call(1, 8, 8);
  const auto plain = networks.network({})(call), hooked = networks.network(key)(call);
  small.tensors().at(name) = small.tensors().at(name) + by * 0.7;
  EXPECT_TRUE(at::equal(hooked, small.make()(call)));
  EXPECT_FALSE(at::equal(hooked, plain));
  networks.keep({});
  EXPECT_TRUE(at::equal(networks.network(key)(call), hooked));
  EXPECT_TRUE(at::equal(networks.network({})(call), plain));
}

INSTANTIATE_TEST_SUITE_P(OfEachKind, HookedNetwork,
                         testing::Values("input_blocks.0.0.weight", "input_blocks.1.0.in_layers.2.weight", "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
                                         "input_blocks.2.0.op.weight", "middle_block.1.proj_in.bias", "output_blocks.1.1.conv.weight", "output_blocks.3.0.emb_layers.1.weight",
                                         "time_embed.2.weight", "out.2.weight"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST(HookedNetworks, StrengthZeroIsTheModelItself) {
  const c10::InferenceMode guard;
  const SmallUNet small;
  const auto model = load_diffusion_model(small.weights(), {});
  HookedNetworks networks(model, 14.0);
  const Hooks hooks{{std::make_shared<const OneWeight>("out.2.bias", at::Tensor()), 0.5, 1, {{0.0, 0.0, 1}}}};
  EXPECT_TRUE(networks.key_at(&hooks, 9.0).empty());
  EXPECT_TRUE(networks.key_at(nullptr, 9.0).empty());
}

/// A model in a budget of its own, and runs with hooks on it.
class KeptNetworks : public testing::Test {
 protected:
  static constexpr const char* kOutput = "out.2.weight";

  std::shared_ptr<const OneWeight> weights(const void* file = nullptr) {
    return std::make_shared<const OneWeight>(kOutput, small_.tensors().at(kOutput), file);
  }
  /// The UNet of a run whose only entry has this hook.
  const UNet* run(const std::shared_ptr<const HookWeights>& weights, double strength = 1) {
    const Hooks hooks{{weights, strength, 1, {}}};
    HookedNetworks networks(model_, 14.0);
    return &networks.network(networks.key_at(&hooks, 5.0));
  }

  const c10::InferenceMode guard_;
  SmallUNet small_;
  std::shared_ptr<ModelBudget> budget_ = std::make_shared<ModelBudget>();
  DiffusionModel model_ = load_diffusion_model(small_.weights(), {.budget = budget_});
};

TEST_F(KeptNetworks, AnotherRunPacksNothing) {
  const auto hook = weights();
  const auto* first = run(hook, 0.5);
  EXPECT_EQ(budget_->packings(), 2u) << "the model's own, and the changed one";
  EXPECT_EQ(run(hook, 0.5), first);
  EXPECT_EQ(budget_->packings(), 2u);
}

TEST_F(KeptNetworks, AreToldApartByFileAndStrength) {
  const int file = 0, other = 0;
  const auto* first = run(weights(&file), 0.5);
  EXPECT_EQ(run(weights(&file), 0.5), first) << "a hook made anew out of the same file";
  EXPECT_NE(run(weights(&file), 0.6), first);
  EXPECT_NE(run(weights(&other), 0.5), first);
  EXPECT_EQ(run(weights(&file), 0.5), first);
  EXPECT_EQ(budget_->packings(), 4u);
}

TEST_F(KeptNetworks, CountOnceWhatTheyShareAndGoBeforeTheirModelsOwn) {
  run(nullptr, 0);
  const auto own = budget_->bytes();
  const auto hook = weights();
  run(hook);
  const auto changed = budget_->bytes() - own;
  EXPECT_GT(changed, 0u);
  EXPECT_LT(changed, own / 2) << "all layers but a few are shared";
  EXPECT_EQ(budget_->drop_unused(1), changed) << "the older one holds the layers of both";
  run(hook);
  EXPECT_EQ(budget_->drop_all_unused(), own + changed);
  EXPECT_EQ(budget_->bytes(), 0u);
  run(hook);
  EXPECT_EQ(budget_->bytes(), own + changed);
}

TEST_F(KeptNetworks, AreLimitedInNumber) {
  std::vector<std::shared_ptr<const OneWeight>> hooks;
  for (std::size_t i = 0; i < HookedUNets::kMostKept; ++i) hooks.push_back(weights());
  for (const auto& hook : hooks) run(hook);
  const auto full = budget_->bytes(), packings = budget_->packings();
  run(hooks[0]);
  EXPECT_EQ(budget_->packings(), packings);
  run(weights());  // in the place of hooks[1], the least recently used
  EXPECT_EQ(budget_->bytes(), full);
  run(hooks[0]);
  EXPECT_EQ(budget_->packings(), packings + 1);
  run(hooks[1]);
  EXPECT_EQ(budget_->packings(), packings + 2);
}

}  // namespace
}  // namespace darkroom
