// UNets that share what hooks do not change: the same numbers as one with other weights packed whole.

#include "diffusion/hooked_networks.hpp"

#include <ATen/ops/equal.h>
#include <ATen/ops/randn_like.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "diffusion/tests/small_unet.hpp"

namespace darkroom {
namespace {

/// Adds something to one weight.
class OneWeight final : public HookWeights {
 public:
  OneWeight(std::string name, at::Tensor by) : name_(std::move(name)), by_(std::move(by)) {}
  Weights::Patch unet_patch(const Weights&, double strength, std::set<std::string>& names) const override {
    names.insert(name_);
    return [this, strength](const std::string& name, const at::Tensor& weight) { return name == name_ ? weight + by_ * strength : weight; };
  }
  Weights::Patch clip_patch(const Clip&, double) const override { return {}; }

 private:
  std::string name_;
  at::Tensor by_;
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

}  // namespace
}  // namespace darkroom
