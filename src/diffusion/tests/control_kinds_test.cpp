// Controls whose weights come from elsewhere as well: differences to a model, control LoRA, union ControlNets, diffusers' names.

#include <ATen/ops/matmul.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "diffusion/control.hpp"
#include "diffusion/diffusion_model.hpp"
#include "diffusion/tests/golden.hpp"
#include "diffusion/tests/small_unet.hpp"
#include "diffusion/unet_names.hpp"

namespace darkroom {
namespace {

std::shared_ptr<const StateDict> shared(StateDict tensors) { return std::make_shared<const StateDict>(std::move(tensors)); }
std::shared_ptr<const Network> network_of(const Weights& weights) { return load_diffusion_model(weights, {}).network; }

class ControlKinds : public testing::Test {
 protected:
  ControlResiduals residuals(const std::shared_ptr<const ControlModel>& model, const std::shared_ptr<const Network>& beside, std::optional<std::int64_t> type = {}) const {
    return (*model->acquire(beside))(call_, {picture_, 1, type});
  }
  static void expect_same(const ControlResiduals& got, const ControlResiduals& want, double most) {
    ASSERT_EQ(got.skips.size(), want.skips.size());
    for (std::size_t i = 0; i < got.skips.size(); ++i) EXPECT_LT(relative_error(got.skips[i], want.skips[i]), most) << i;
    EXPECT_LT(relative_error(got.middle, want.middle), most);
  }

  const c10::InferenceMode guard_;
  const SmallUNet unet_;
  const UNetCall call_ = random_call(2, 8, 8);
  const at::Tensor picture_ = at::rand({1, 3, 64, 64});
};

TEST_F(ControlKinds, DifferencesAreAddedToTheModelsWeights) {
  const auto whole = unet_.control();
  StateDict differences;
  for (const auto& [name, tensor] : whole) {
    const auto own = unet_.weights().has(name) ? unet_.weights().get(name) : at::Tensor();
    differences.emplace("control_model." + name, own.defined() ? tensor - own : tensor);
  }
  const auto unmarked = shared(differences);
  differences.emplace("difference", at::rand({1}));
  const auto beside = network_of(unet_.weights());
  const auto plain = residuals(load_control(shared(whole), {}), nullptr);
  expect_same(residuals(load_control(shared(differences), {}, beside), nullptr), plain, 1e-5);
  // Without the mark or without a model they are taken as they are.
  EXPECT_GT(relative_error(residuals(load_control(unmarked, {}, beside), nullptr).middle, plain.middle), 1e-2);
  EXPECT_GT(relative_error(residuals(load_control(shared(differences), {}), nullptr).middle, plain.middle), 1e-2);
}

TEST_F(ControlKinds, LoraAddsProductsToTheModelsWeightsAndItsPatches) {
  StateDict file, whole = unet_.control();
  for (const auto& [name, tensor] : unet_.control()) {
    const bool layer = name.ends_with(".weight") && tensor.dim() > 1 && unet_.weights().has(name);
    if (!layer) {
      file.emplace(name, tensor);
      whole[name] = tensor;
      continue;
    }
    const auto base = name.substr(0, name.size() - 7);
    const auto outside = tensor.dim() == 4 ? std::vector<std::int64_t>{tensor.size(0), 2, 1, 1} : std::vector<std::int64_t>{tensor.size(0), 2};
    auto inside = tensor.sizes().vec();
    inside[0] = 2;
    const auto up = at::rand(outside).sub(0.5), down = at::rand(inside).sub(0.5).mul(0.2);
    file.emplace(base + ".up", up), file.emplace(base + ".down", down);
    // The model that is used has weights that a patch halved.
    whole[name] = unet_.weights().get(name) * 0.5 + at::matmul(up.reshape({-1, 2}), down.reshape({2, -1})).reshape(tensor.sizes());
  }
  file.emplace("lora_controlnet", at::rand({1}));
  const auto halved = load_diffusion_model(unet_.weights(), {}).with_weights([](const std::string& name, const at::Tensor& weight) {
    return name.ends_with(".weight") && weight.dim() > 1 ? weight * 0.5 : weight;
  });
  const auto lora = load_control(shared(file), {});
  EXPECT_EQ(lora->bytes(), 0U);
  expect_same(residuals(lora, halved.network), residuals(load_control(shared(whole), {}), nullptr), 1e-5);
  EXPECT_GT(lora->bytes(), 0U);
  EXPECT_EQ(lora->acquire(halved.network), lora->acquire(halved.network));
  EXPECT_THROW(lora->acquire(nullptr), InvalidInput);

  auto odd = file;
  odd["time_embed.0.up"] = at::rand({7, 2});
  EXPECT_THROW(load_control(shared(odd), {})->acquire(halved.network), InvalidInput);
  odd = file;
  odd.erase("time_embed.0.down");
  EXPECT_THROW(load_control(shared(odd), {})->acquire(halved.network), InvalidInput);
}

StateDict with_union(StateDict control, std::int64_t types, std::int64_t width) {
  const auto both = [&control](const std::string& name, const std::string& between, std::int64_t out, std::int64_t in) {
    control.emplace(name + between + "weight", at::randn({out, in}).div_(std::sqrt(static_cast<double>(in))));
    control.emplace(name + between + "bias", at::randn({out}).mul_(0.1));
  };
  const std::string layer = "transformer_layes.0.";
  control.emplace("task_embedding", at::randn({types, width}));
  both("control_add_embedding.linear_1", ".", 4 * width, 256 * types), both("control_add_embedding.linear_2", ".", 4 * width, 4 * width);
  both(layer + "attn.in_proj", "_", 3 * width, width), both(layer + "attn.out_proj", ".", width, width);
  both(layer + "mlp.c_fc", ".", 4 * width, width), both(layer + "mlp.c_proj", ".", width, 4 * width), both("spatial_ch_projs", ".", width, width);
  for (const char* norm : {"ln_1", "ln_2"}) control.emplace(layer + norm + ".weight", at::ones({width})), control.emplace(layer + norm + ".bias", at::randn({width}).mul_(0.1));
  return control;
}

TEST_F(ControlKinds, UnionIsToldTheKindOfItsPicture) {
  const auto tensors = with_union(unet_.control(), 3, 64);
  const auto model = load_control(shared(tensors), {});
  const auto silent = residuals(model, nullptr), first = residuals(model, nullptr, 0), third = residuals(model, nullptr, 2);
  EXPECT_GT(relative_error(first.skips[0], silent.skips[0]), 1e-4);
  EXPECT_GT(relative_error(first.skips[0], third.skips[0]), 1e-4);
  EXPECT_THROW(residuals(model, nullptr, 3), InvalidInput);
  // A plain ControlNet does not care.
  const auto plain = load_control(shared(unet_.control()), {});
  EXPECT_TRUE(residuals(plain, nullptr, 5).middle.equal(residuals(plain, nullptr).middle));
  auto odd = tensors;
  odd["task_embedding"] = at::rand({3, 32});
  EXPECT_THROW(residuals(load_control(shared(odd), {}), nullptr), InvalidInput);
}

/// Names of the small UNet as diffusers gives them.
std::string diffusers_name(const std::string& name) {
  static const std::vector<std::pair<std::string, std::string>> kNames = {
      {"input_blocks.0.0.", "conv_in."}, {"input_blocks.1.0.", "down_blocks.0.resnets.0."}, {"input_blocks.1.1.", "down_blocks.0.attentions.0."}, {"input_blocks.2.0.op.", "down_blocks.0.downsamplers.0.conv."},
      {"input_blocks.3.0.", "down_blocks.1.resnets.0."}, {"middle_block.0.", "mid_block.resnets.0."}, {"middle_block.1.", "mid_block.attentions.0."}, {"middle_block.2.", "mid_block.resnets.1."},
      {"output_blocks.0.0.", "up_blocks.0.resnets.0."}, {"output_blocks.1.0.", "up_blocks.0.resnets.1."}, {"output_blocks.1.1.conv.", "up_blocks.0.upsamplers.0.conv."},
      {"output_blocks.2.0.", "up_blocks.1.resnets.0."}, {"output_blocks.2.1.", "up_blocks.1.attentions.0."}, {"output_blocks.3.0.", "up_blocks.1.resnets.1."}, {"output_blocks.3.1.", "up_blocks.1.attentions.1."},
      {"time_embed.0.", "time_embedding.linear_1."}, {"time_embed.2.", "time_embedding.linear_2."}, {"out.0.", "conv_norm_out."}, {"out.2.", "conv_out."},
      {"middle_block_out.0.", "controlnet_mid_block."}, {"input_hint_block.0.", "controlnet_cond_embedding.conv_in."}, {"input_hint_block.14.", "controlnet_cond_embedding.conv_out."}};
  static const std::vector<std::pair<std::string, std::string>> kResidual = {{"in_layers.0.", "norm1."}, {"in_layers.2.", "conv1."}, {"emb_layers.1.", "time_emb_proj."},
                                                                             {"out_layers.0.", "norm2."}, {"out_layers.3.", "conv2."}, {"skip_connection.", "conv_shortcut."}};
  for (const auto& [ours, theirs] : kNames) {
    if (!name.starts_with(ours)) continue;
    auto rest = name.substr(ours.size());
    if (theirs.find("resnets") != theirs.npos)
      for (const auto& [from, to] : kResidual)
        if (rest.starts_with(from)) rest = to + rest.substr(from.size());
    return theirs + rest;
  }
  if (name.starts_with("zero_convs.")) return "controlnet_down_blocks." + name.substr(11, 1) + name.substr(14);
  if (name.starts_with("input_hint_block.")) {
    const auto dot = name.find('.', 17);
    return "controlnet_cond_embedding.blocks." + std::to_string(std::stoi(name.substr(17)) / 2 - 1) + name.substr(dot);
  }
  return name;
}

StateDict renamed(const StateDict& tensors) {
  StateDict names;
  for (const auto& [name, tensor] : tensors) names.emplace(diffusers_name(name), tensor);
  return names;
}

TEST_F(ControlKinds, DiffusersNamesGiveTheSameNetworks) {
  const auto control = unet_.control();
  expect_same(residuals(load_control(shared(renamed(control)), {}), nullptr), residuals(load_control(shared(control), {}), nullptr), 1e-6);
  const auto weights = unet_.weights();
  const auto theirs = renamed(weights.tensors());
  ASSERT_TRUE(has_diffusers_names(theirs));
  const auto back = ldm_names(theirs);
  ASSERT_EQ(back.size(), weights.tensors().size());
  for (const auto& [name, tensor] : weights.tensors()) EXPECT_TRUE(back.contains(name)) << name;
}

}  // namespace
}  // namespace darkroom
