// Guidance by a second, worse prediction: perturbed attention (PAG) and self-attention guidance (SAG).

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <cmath>

#include "diffusion/diffusion_model.hpp"
#include "diffusion/unet_patches.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/model_changes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

/// Moves away from what the model predicts when the middle's self-attention looks nowhere (Ahn et al. 2024).
class PerturbedAttentionGuidance final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("PerturbedAttentionGuidance", Form::kV3).module("comfy_extras.nodes_pag").category("model_patches/unet")
        .input("model", Socket{"MODEL"}).input("scale", Float{.value = 3.0, .min = 0.0, .max = 100.0, .step = 0.01, .round = 0.01})
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto model = in.object<ModelValue>("model")->held;
    const auto perturbed = changed_patches(*model, [](UNetPatches& patches) {
      patches.attn1_replace.insert(patches.attn1_replace.begin(), [](const at::Tensor&, const at::Tensor&, const at::Tensor& v, const UNetPlace& place) {
        return place.part == UNetPart::kMiddle ? v : at::Tensor();
      });
    });
    return with_hooks(*model, [perturbed, scale = in.number("scale")](GuidanceHooks& hooks) {
      hooks.after.push_back([perturbed, scale](const GuidanceStep& step, const at::Tensor& result) {
        if (scale == 0) return result;
        return result + (step.cond() - step.predict(0, step.x, step.sigma, perturbed.get())) * scale;
      });
    });
  }
};

/// What self-attention of the middle block looked at in the negative's last prediction: [B*heads, tokens, tokens], with the block's size.
struct Attended {
  at::Tensor scores;
  std::int64_t heads = 0, height = 0, width = 0;
};

constexpr std::int64_t kNegative = 1;     // of UNetCall::lists
constexpr double kAttended = 1.0;         // sum of a token's scores over all queries above which it counts as looked at
constexpr std::int64_t kBlurTaps = 9;

/// Plain attention that also keeps the scores of the negative's part of the batch.
UNetPatches::Attention keeping(std::shared_ptr<Attended> kept) {
  return [kept = std::move(kept)](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const UNetPlace& place) {
    if (place.part != UNetPart::kMiddle || place.transformer != 0) return at::Tensor();
    const auto batch = q.size(0), tokens = q.size(1), heads = place.heads, width = q.size(2) / heads;
    const auto split = [&](const at::Tensor& t) { return t.to(at::kFloat).reshape({batch, -1, heads, width}).transpose(1, 2); };
    const auto scores = at::softmax(at::matmul(split(q), split(k).transpose(2, 3)) / std::sqrt(static_cast<double>(width)), -1);
    const auto& lists = place.call->lists;
    const auto parts = scores.chunk(static_cast<std::int64_t>(lists.size()), 0);
    for (std::size_t i = 0; i < lists.size(); ++i)
      if (lists[i] == kNegative) *kept = {parts[i], heads, place.height, place.width};
    return at::matmul(scores, split(v)).transpose(1, 2).reshape({batch, tokens, heads * width}).to(q.scalar_type());
  };
}

/// Gaussian blur of each channel of [B,C,H,W], edges mirrored.
at::Tensor blurred(const at::Tensor& latent, double sigma) {
  const auto half = (kBlurTaps - 1) * 0.5;
  const auto x = at::linspace(-half, half, kBlurTaps, latent.options());
  auto row = (x.div(sigma).square() * -0.5).exp();
  row = row / row.sum();
  const auto kernel = (row.unsqueeze(1) * row.unsqueeze(0)).expand({latent.size(1), 1, kBlurTaps, kBlurTaps}).contiguous();
  const auto pad = kBlurTaps / 2;
  return at::conv2d(at::reflection_pad2d(latent, {pad, pad, pad, pad}), kernel, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{0, 0}, at::IntArrayRef{1, 1}, latent.size(1));
}

/// The latent blurred where the model looked: what it would see without the detail (Hong et al. 2023, equation 16).
at::Tensor degraded(const at::Tensor& latent, const Attended& seen, double sigma) {
  const auto batch = latent.size(0);
  auto mask = seen.scores.mean(at::IntArrayRef{1}).sum(at::IntArrayRef{1}) > kAttended;  // [B,tokens]
  mask = mask.reshape({batch, 1, seen.height, seen.width}).to(latent.scalar_type());
  mask = at::upsample_nearest2d(mask, at::IntArrayRef{latent.size(2), latent.size(3)});
  return blurred(latent, sigma) * mask + latent * (1.0 - mask);
}

class SelfAttentionGuidance final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("SelfAttentionGuidance", Form::kV3).module("comfy_extras.nodes_sag").category("_for_testing").display_name("Self-Attention Guidance")
        .experimental()
        .input("model", Socket{"MODEL"})
        .input("scale", hundredths(0.5, -2.0, 5.0))
        .input("blur_sigma", Float{.value = 2.0, .min = 0.0, .max = 10.0, .step = 0.1})
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto model = in.object<ModelValue>("model")->held;
    auto changed = std::make_shared<DiffusionModel>(*model);
    const auto seen = std::make_shared<Attended>();
    changed->patches = changed_patches(*model, [&](UNetPatches& patches) { patches.attn1_replace.push_back(keeping(seen)); });
    changed->hooks.needs_uncond = true;
    changed->hooks.after.push_back([seen, scale = in.number("scale"), sigma = in.number("blur_sigma")](const GuidanceStep& step, const at::Tensor& result) {
      if (!seen->scores.defined() || std::min(step.x.size(2), step.x.size(3)) <= kBlurTaps / 2) return result;
      const auto attended = std::exchange(*seen, {});
      const auto worse = degraded(step.uncond(), attended, sigma);
      const auto predicted = step.predict(kNegative, worse + step.x - step.uncond(), step.sigma, nullptr);
      seen->scores.reset();
      return result + (worse - predicted) * scale;
    });
    return {held_value(std::shared_ptr<const DiffusionModel>(std::move(changed)))};
  }
};

}  // namespace

void register_attention_guidance_nodes(Registry& registry) {
  registry.add<PerturbedAttentionGuidance>();
  registry.add<SelfAttentionGuidance>();
}

}  // namespace darkroom
