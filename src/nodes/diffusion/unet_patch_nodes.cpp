// Patches of the UNet's course: FreeU, deep shrink, scaled attention.

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

#include "diffusion/diffusion_model.hpp"
#include "diffusion/frequencies.hpp"
#include "diffusion/unet_patches.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/model_changes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/resize.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

/// FreeU's two stages: of the blocks with four and with two times the model's width. `normalised`: version 2 weighs the backbone by its own mean.
Outputs with_freeu(const Inputs& in, bool normalised) {
  static constexpr std::int64_t kLowest = 1;  // the threshold of equation 5
  const auto model = in.object<ModelValue>("model")->held;
  struct Stage { std::int64_t channels; double backbone, skip; };
  const auto width = model->config().model_channels;
  const std::vector<Stage> stages = {{width * 4, in.number("b1"), in.number("s1")}, {width * 2, in.number("b2"), in.number("s2")}};
  return with_patches(*model, [stages, normalised](UNetPatches& patches) {
    patches.before_output.push_back([stages, normalised](at::Tensor& h, at::Tensor& skip, const UNetPlace&) {
      for (const auto& stage : stages) {
        if (h.size(1) != stage.channels) continue;
        h = h.clone();
        auto backbone = h.narrow(1, 0, h.size(1) / 2);
        if (normalised) {
          const auto mean = h.mean(at::IntArrayRef{1}, /*keepdim=*/true);
          const auto low = mean.amin({1, 2, 3}, true), high = mean.amax({1, 2, 3}, true);
          backbone.mul_((mean - low) / (high - low) * (stage.backbone - 1.0) + 1.0);
        } else {
          backbone.mul_(stage.backbone);
        }
        skip = scale_frequencies(skip, kLowest, stage.skip, 1.0);
        return;
      }
    });
  });
}

NodeSchema freeu_schema(const char* name, double b1, double b2) {
  return NodeSchema(name, Form::kV3).module("comfy_extras.nodes_freelunch").category("model_patches/unet")
      .input("model", Socket{"MODEL"}).input("b1", hundredths(b1, 0.0, 10.0)).input("b2", hundredths(b2, 0.0, 10.0))
      .input("s1", hundredths(0.9, 0.0, 10.0)).input("s2", hundredths(0.2, 0.0, 10.0))
      .output("MODEL");
}

class FreeU final : public Node {
 public:
  static NodeSchema schema() { return freeu_schema("FreeU", 1.1, 1.2); }
  Outputs run(const Inputs& in, Context&) override { return with_freeu(in, false); }
};

class FreeU_V2 final : public Node {
 public:
  static NodeSchema schema() { return freeu_schema("FreeU_V2", 1.3, 1.4); }
  Outputs run(const Inputs& in, Context&) override { return with_freeu(in, true); }
};

/// Runs the middle of the network on a smaller picture in the first steps (kohya's deep shrink).
class PatchModelAddDownscale final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("PatchModelAddDownscale", Form::kV3).module("comfy_extras.nodes_model_downscale").category("model_patches/unet")
        .display_name("PatchModelAddDownscale (Kohya Deep Shrink)")
        .input("model", Socket{"MODEL"})
        .input("block_number", Int{.value = 3, .min = 1, .max = 32, .step = 1})
        .input("downscale_factor", Float{.value = 2.0, .min = 0.1, .max = 9.0, .step = 0.001})
        .input("start_percent", Float{.value = 0.0, .min = 0.0, .max = 1.0, .step = 0.001})
        .input("end_percent", Float{.value = 0.35, .min = 0.0, .max = 1.0, .step = 0.001})
        .input("downscale_after_skip", Boolean{.value = true})
        .input("downscale_method", Combo{"bicubic", "nearest-exact", "bilinear", "area", "bislerp"})
        .input("upscale_method", Combo{"bicubic", "nearest-exact", "bilinear", "area", "bislerp"})
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto model = in.object<ModelValue>("model")->held;
    const double start = model->sampling().percent_to_sigma(in.number("start_percent")), end = model->sampling().percent_to_sigma(in.number("end_percent"));
    const auto schedule = model->schedule;
    const auto shrink = [schedule, start, end, block = in.integer("block_number"), factor = in.number("downscale_factor"),
                         method = in.choice("downscale_method")](const at::Tensor& h, const UNetPlace& place) {
      if (place.part != UNetPart::kInput || place.block != block) return h;
      const double sigma = schedule->sigma(place.call->timesteps[0].item<double>());
      if (sigma > start || sigma < end) return h;
      return common_upscale(h.to(at::kFloat).contiguous(), std::llrint(h.size(3) / factor), std::llrint(h.size(2) / factor), method, "disabled").to(h.scalar_type());
    };
    const auto grow = [method = in.choice("upscale_method")](at::Tensor& h, at::Tensor& skip, const UNetPlace&) {
      if (h.size(2) != skip.size(2) || h.size(3) != skip.size(3)) h = common_upscale(h.to(at::kFloat).contiguous(), skip.size(3), skip.size(2), method, "disabled").to(h.scalar_type());
    };
    return with_patches(*model, [&, after = in.boolean("downscale_after_skip")](UNetPatches& patches) {
      (after ? patches.after_skip : patches.after_block).push_back(shrink);
      patches.before_output.push_back(grow);
    });
  }
};

/// Scales the projections of one kind of attention: as changed weights, which cost nothing while sampling.
Outputs with_scaled_attention(const Inputs& in, const std::string& attention) {
  const auto model = in.object<ModelValue>("model")->held;
  const std::vector<std::pair<std::string, double>> scales = {{attention + ".to_q.weight", in.number("q")}, {attention + ".to_k.weight", in.number("k")},
                                                              {attention + ".to_v.weight", in.number("v")}, {attention + ".to_out.0.weight", in.number("out")},
                                                              {attention + ".to_out.0.bias", in.number("out")}};
  return {held_value(std::make_shared<const DiffusionModel>(model->with_weights([scales](const std::string& name, const at::Tensor& weight) {
    for (const auto& [ending, scale] : scales)
      if (name.ends_with("." + ending)) return weight.to(at::kFloat) * scale;
    return weight;
  })))};
}

NodeSchema scaled_attention_schema(const char* name) {
  return NodeSchema(name, Form::kV3).module("comfy_extras.nodes_attention_multiply").category("_for_testing/attention_experiments").experimental()
      .input("model", Socket{"MODEL"}).input("q", hundredths(1.0, 0.0, 10.0)).input("k", hundredths(1.0, 0.0, 10.0))
      .input("v", hundredths(1.0, 0.0, 10.0)).input("out", hundredths(1.0, 0.0, 10.0))
      .output("MODEL");
}

class UNetSelfAttentionMultiply final : public Node {
 public:
  static NodeSchema schema() { return scaled_attention_schema("UNetSelfAttentionMultiply"); }
  Outputs run(const Inputs& in, Context&) override { return with_scaled_attention(in, "attn1"); }
};

class UNetCrossAttentionMultiply final : public Node {
 public:
  static NodeSchema schema() { return scaled_attention_schema("UNetCrossAttentionMultiply"); }
  Outputs run(const Inputs& in, Context&) override { return with_scaled_attention(in, "attn2"); }
};

}  // namespace

void register_unet_patch_nodes(Registry& registry) {
  registry.add<FreeU>();
  registry.add<FreeU_V2>();
  registry.add<PatchModelAddDownscale>();
  registry.add<UNetSelfAttentionMultiply>();
  registry.add<UNetCrossAttentionMultiply>();
}

}  // namespace darkroom
