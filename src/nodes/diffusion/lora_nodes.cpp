// LoraLoader and LoraLoaderModelOnly: files that change a model's weights by a little.

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/log.hpp"
#include "diffusion/clip.hpp"
#include "diffusion/diffusion_model.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/lora_files.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

/// How many of a file's parts fit neither the model nor the text encoder: said once, in the log.
void warn_of_unused(const std::string& name, const LoraFile& file, const std::vector<std::string>& used) {
  const std::set<std::string> seen(used.begin(), used.end());
  const auto unused = file.deltas.size() - seen.size();
  if (unused == 0) return;
  log::warn("{}: {} of {} keys fit neither the model nor the text encoder{}", name, unused, file.deltas.size(),
            seen.empty() ? "; it was made for another family, nothing is changed" : "");
}

Outputs apply_lora(const Inputs& in, bool with_clip, Context& context) {
  const auto model = in.given("model") ? in.object<ModelValue>("model")->held : nullptr;
  const auto clip = with_clip && in.given("clip") ? in.object<ClipValue>("clip")->held : nullptr;
  const double model_strength = in.number("strength_model"), clip_strength = with_clip ? in.number("strength_clip") : 0;
  Value changed_model = model ? held_value(model) : Value(), changed_clip = clip ? held_value(clip) : Value();
  if (model_strength != 0 || clip_strength != 0) {
    const auto& name = in.choice("lora_name");
    const auto file = open_lora(name, context);
    if (file->deltas.empty()) throw InvalidInput(name + ": holds no LoRA in a form that is known");
    std::vector<std::string> used;
    if (model) {
      auto targets = std::make_shared<const LoraTargets>(unet_targets(*file, model->network->weights(), used));
      if (model_strength != 0 && !targets->weights.empty())
        changed_model = held_value(std::make_shared<const DiffusionModel>(model->with_weights(lora_patch(std::move(targets), model_strength))));
    }
    if (clip) {
      auto targets = std::make_shared<const LoraTargets>(clip_targets(*file, clip->weight_names(), used));
      if (clip_strength != 0 && !targets->weights.empty()) changed_clip = held_value(clip->with_patches(lora_patch(std::move(targets), clip_strength)));
    }
    warn_of_unused(name, *file, used);
  }
  return with_clip ? Outputs{std::move(changed_model), std::move(changed_clip)} : Outputs{std::move(changed_model)};
}

class LoraLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LoraLoader", Form::kV1).category("loaders").display_name("Load LoRA")
        .description("Changes a model and its text encoder by a LoRA; several may follow each other.")
        .input("model", Socket{"MODEL", {.tooltip = "The model to change."}})
        .input("clip", Socket{"CLIP", {.tooltip = "The text encoder to change."}})
        .input("lora_name", lora_files())
        .input("strength_model", strength("How strongly the model is changed; negative reverses it."))
        .input("strength_clip", strength("How strongly the text encoder is changed; negative reverses it."))
        .output("MODEL", "", false, "The changed model.").output("CLIP", "", false, "The changed text encoder.");
  }
  Outputs run(const Inputs& in, Context& context) override { return apply_lora(in, true, context); }

 private:
  static Combo lora_files() {
    auto combo = models("loras");
    combo.common.tooltip = "The LoRA's file.";
    return combo;
  }
  static Float strength(const char* tooltip) { return {.value = 1.0, .min = -100.0, .max = 100.0, .step = 0.01, .common = {.tooltip = tooltip}}; }
};

class LoraLoaderModelOnly final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LoraLoaderModelOnly", Form::kV1).category("loaders").display_name("LoraLoaderModelOnly")
        .input("model", bare("MODEL")).input("lora_name", bare(models("loras"))).input("strength_model", hundredths(1.0, -100.0, 100.0))
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context& context) override { return apply_lora(in, false, context); }
};

}  // namespace

void register_lora_nodes(Registry& registry) {
  registry.add<LoraLoader>();
  registry.add<LoraLoaderModelOnly>();
}

}  // namespace darkroom
