// CLIPTextEncode and its kin: from a prompt to CONDITIONING; CLIPSetLastLayer, CLIPAttentionMultiply and the merging of text encoders.

#include <functional>
#include <string>
#include <utility>

#include "diffusion/hooks.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/clip_values.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/limits.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

/// A prompt: {a|b} is resolved by the editor.
String prompt_input(std::string tooltip = {}) {
  return {.multiline = true, .common = {.tooltip = std::move(tooltip), .extra = {{"multiline", true}, {"dynamicPrompts", true}}}};
}

Int pixels(std::int64_t value) { return {.value = value, .min = 0, .max = kMaxResolution}; }

class CLIPTextEncode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CLIPTextEncode", Form::kV1).category("conditioning").display_name("CLIP Text Encode (Prompt)")
        .description("Encodes a prompt with a text encoder, so that it can guide a model.")
        .input("text", prompt_input("The prompt.")).input("clip", Socket{"CLIP", {.tooltip = "The text encoder."}})
        .output("CONDITIONING", "", false, "What guides the model.");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return {conditioning_value(encode_hooked(clip_input(in), [&](const Clip& clip) { return clip.encode(in.text("text"), prompt_context(context)); }))};
  }
};

/// SDXL with a text for each encoder, and with what the picture's sizes are said to be.
class CLIPTextEncodeSDXL final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CLIPTextEncodeSDXL", Form::kV3).module("comfy_extras.nodes_clip_sdxl").category("advanced/conditioning")
        .input("clip", Socket{"CLIP"})
        .input("width", pixels(1024)).input("height", pixels(1024)).input("crop_w", pixels(0)).input("crop_h", pixels(0))
        .input("target_width", pixels(1024)).input("target_height", pixels(1024))
        .input("text_g", prompt_input()).input("text_l", prompt_input())
        .output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return {conditioning_value(encode_hooked(clip_input(in), [&](const Clip& clip) {
      auto cond = clip.encode(in.text("text_g"), in.text("text_l"), prompt_context(context));
      cond.size = {.width = in.integer("width"), .height = in.integer("height"), .crop_w = in.integer("crop_w"), .crop_h = in.integer("crop_h"),
                   .target_width = in.integer("target_width"), .target_height = in.integer("target_height")};
      return cond;
    }))};
  }
};

class CLIPTextEncodeSDXLRefiner final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CLIPTextEncodeSDXLRefiner", Form::kV3).module("comfy_extras.nodes_clip_sdxl").category("advanced/conditioning")
        .input("ascore", hundredths(6.0, 0.0, 1000.0)).input("width", pixels(1024)).input("height", pixels(1024))
        .input("text", prompt_input()).input("clip", Socket{"CLIP"})
        .output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return {conditioning_value(encode_hooked(clip_input(in), [&](const Clip& clip) {
      auto cond = clip.encode(in.text("text"), prompt_context(context));
      cond.size = {.width = in.integer("width"), .height = in.integer("height"), .aesthetic_score = in.number("ascore")};
      return cond;
    }))};
  }
};

class CLIPSetLastLayer final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CLIPSetLastLayer", Form::kV1).category("conditioning").display_name("CLIP Set Last Layer")
        .input("clip", bare("CLIP")).input("stop_at_clip_layer", Int{.value = -1, .min = -24, .max = -1, .step = 1})
        .output("CLIP");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto stop_at = in.integer("stop_at_clip_layer");
    if (stop_at >= 0 || stop_at < INT16_MIN) throw InvalidInput("stop_at_clip_layer: counts from the end, -1 is the last layer");
    return {held_value(clip_input(in)->with_skip(static_cast<int>(stop_at)))};
  }
};

/// Multiplies the projections of attention, weights and biases.
class CLIPAttentionMultiply final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CLIPAttentionMultiply", Form::kV3).module("comfy_extras.nodes_attention_multiply")
        .category("_for_testing/attention_experiments").experimental()
        .input("clip", Socket{"CLIP"})
        .input("q", factor()).input("k", factor()).input("v", factor()).input("out", factor())
        .output("CLIP");
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::pair<const char*, double> factors[] = {{".self_attn.q_proj.", in.number("q")}, {".self_attn.k_proj.", in.number("k")},
                                                      {".self_attn.v_proj.", in.number("v")}, {".self_attn.out_proj.", in.number("out")}};
    const auto patch = [factors = std::to_array(factors)](const std::string& name, const at::Tensor& weight) {
      for (const auto& [part, by] : factors)
        if (name.find(part) != name.npos) return weight.to(at::kFloat) * by;
      return weight;
    };
    return {held_value(clip_input(in)->with_patches(patch))};
  }

 private:
  static Float factor() { return hundredths(1.0, 0.0, 10.0); }
};

/// The first text encoder with every weight that the second has too replaced by mix(first's, second's), in float32.
using Mix = std::function<at::Tensor(const at::Tensor& first, const at::Tensor& second)>;

Outputs merged(const Inputs& in, Mix mix) {
  const auto first = clip_input(in, "clip1"), second = clip_input(in, "clip2");
  const auto patch = [second, mix = std::move(mix)](const std::string& name, const at::Tensor& weight) {
    const auto& other = second->weights();
    if (!other.has(name) || other.raw(name).sizes() != weight.sizes()) return weight;
    return mix(weight.to(at::kFloat), other.get(name).to(at::kFloat));
  };
  return {held_value(first->with_patches(patch))};
}

NodeSchema two_clips(const char* name) {
  return NodeSchema(name, Form::kV1).module("comfy_extras.nodes_model_merging").category("advanced/model_merging").display_name(name)
      .input("clip1", bare("CLIP")).input("clip2", bare("CLIP")).output("CLIP");
}

class CLIPMergeSimple final : public Node {
 public:
  static NodeSchema schema() { return two_clips("CLIPMergeSimple").input("ratio", hundredths(1.0, 0.0, 1.0)); }
  Outputs run(const Inputs& in, Context&) override {
    return merged(in, [ratio = in.number("ratio")](const at::Tensor& a, const at::Tensor& b) { return a * ratio + b * (1.0 - ratio); });
  }
};

class CLIPMergeAdd final : public Node {
 public:
  static NodeSchema schema() { return two_clips("CLIPMergeAdd"); }
  Outputs run(const Inputs& in, Context&) override {
    return merged(in, [](const at::Tensor& a, const at::Tensor& b) { return a + b; });
  }
};

class CLIPMergeSubtract final : public Node {
 public:
  static NodeSchema schema() { return two_clips("CLIPMergeSubtract").input("multiplier", hundredths(1.0, -10.0, 10.0)); }
  Outputs run(const Inputs& in, Context&) override {
    return merged(in, [m = in.number("multiplier")](const at::Tensor& a, const at::Tensor& b) { return a * m - b * m; });
  }
};

}  // namespace

void register_clip_text_nodes(Registry& registry) {
  registry.add<CLIPTextEncode>();
  registry.add<CLIPTextEncodeSDXL>();
  registry.add<CLIPTextEncodeSDXLRefiner>();
  registry.add<CLIPSetLastLayer>();
  registry.add<CLIPAttentionMultiply>();
  registry.add<CLIPMergeSimple>();
  registry.add<CLIPMergeAdd>();
  registry.add<CLIPMergeSubtract>();
}

}  // namespace darkroom
