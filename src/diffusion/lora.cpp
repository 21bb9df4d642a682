#include "diffusion/lora.hpp"

#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"

namespace darkroom {

namespace {

struct Suffix { std::string_view text, part; };

/// Endings of names in a file, and what the tensor is. Longer ones first where one ends the other.
constexpr Suffix kSuffixes[] = {
    {".lora_linear_layer.up.weight", "up"}, {".lora_linear_layer.down.weight", "down"},
    {".lora_up.weight", "up"}, {".lora_down.weight", "down"}, {".lora_mid.weight", "mid"},
    {"_lora.up.weight", "up"}, {"_lora.down.weight", "down"},
    {".lora_B.weight", "up"}, {".lora_A.weight", "down"}, {".lora_B.default.weight", "up"}, {".lora_A.default.weight", "down"},
    {".lora.up.weight", "up"}, {".lora.down.weight", "down"},
    {".alpha", "alpha"}, {".dora_scale", "dora_scale"},
    {".hada_w1_a", "hada_w1_a"}, {".hada_w1_b", "hada_w1_b"}, {".hada_w2_a", "hada_w2_a"}, {".hada_w2_b", "hada_w2_b"},
    {".hada_t1", "hada_t1"}, {".hada_t2", "hada_t2"},
    {".lokr_w1", "lokr_w1"}, {".lokr_w2", "lokr_w2"}, {".lokr_w1_a", "lokr_w1_a"}, {".lokr_w1_b", "lokr_w1_b"},
    {".lokr_w2_a", "lokr_w2_a"}, {".lokr_w2_b", "lokr_w2_b"}, {".lokr_t2", "lokr_t2"},
    {".diff", "diff"}, {".diff_b", "diff_b"}, {".w_norm", "w_norm"}, {".b_norm", "b_norm"},
};

bool is_for_bias(std::string_view part) { return part == "diff_b" || part == "b_norm"; }

std::string underscored(std::string name) {
  for (auto& c : name)
    if (c == '.') c = '_';
  return name;
}

/// "…attn1.to_out.0" as files with processors call it: "…attn1.processor.to_out".
std::string processor_name(std::string module) {
  if (module.ends_with(".to_out.0")) module.resize(module.size() - 2);
  const auto at = module.rfind(".to_");
  return at == std::string::npos ? module : module.insert(at, ".processor");
}

/// Gives the deltas of `stem` to the weight and the bias of `module`.
void take(const LoraFile& file, const std::string& stem, const std::string& module, LoraTargets& targets, std::vector<std::string>& used) {
  const auto found = file.deltas.find(stem);
  if (found == file.deltas.end()) return;
  used.push_back(stem);
  for (const auto& [part, tensor] : found->second.parts)
    targets.weights[module + (is_for_bias(part) ? ".bias" : ".weight")].parts.insert_or_assign(part, tensor);
}

/// Modules that have a weight, without its name's ending.
std::vector<std::string> modules_of(const Weights& weights) {
  std::vector<std::string> modules;
  weights.each([&modules](const std::string& name, const at::Tensor&) {
    if (name.ends_with(".weight")) modules.push_back(name.substr(0, name.size() - 7));
  });
  return modules;
}

}  // namespace

LoraFile read_lora(const StateDict& tensors) {
  LoraFile file;
  for (const auto& [name, tensor] : tensors) {
    for (const auto& suffix : kSuffixes) {
      if (!name.ends_with(suffix.text)) continue;
      file.deltas[name.substr(0, name.size() - suffix.text.size())].parts.emplace(suffix.part, tensor);
      break;
    }
  }
  return file;
}

std::map<std::string, std::string> diffusers_module_names(const Weights& unet) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kResidual = {{
      {"in_layers.0", "norm1"}, {"in_layers.2", "conv1"}, {"emb_layers.1", "time_emb_proj"},
      {"out_layers.0", "norm2"}, {"out_layers.3", "conv2"}, {"skip_connection", "conv_shortcut"}}};
  std::map<std::string, std::string> names = {
      {"input_blocks.0.0", "conv_in"}, {"time_embed.0", "time_embedding.linear_1"}, {"time_embed.2", "time_embedding.linear_2"},
      {"out.0", "conv_norm_out"}, {"out.2", "conv_out"}, {"label_emb.0.0", "add_embedding.linear_1"}, {"label_emb.0.2", "add_embedding.linear_2"}};
  const auto residual = [&](const std::string& ours, const std::string& theirs) {
    for (const auto& [from, to] : kResidual) names[ours + "." + std::string(from)] = theirs + "." + std::string(to);
  };
  std::map<std::string, std::string> transformers;  // prefixes
  for (int block = 1, level = 0, index = 0; unet.has_below("input_blocks." + std::to_string(block) + "."); ++block) {
    const auto ours = "input_blocks." + std::to_string(block), down = "down_blocks." + std::to_string(level);
    if (unet.has(ours + ".0.op.weight")) {
      names[ours + ".0.op"] = down + ".downsamplers.0.conv";
      ++level, index = 0;
      continue;
    }
    residual(ours + ".0", down + ".resnets." + std::to_string(index));
    transformers[ours + ".1."] = down + ".attentions." + std::to_string(index) + ".";
    ++index;
  }
  residual("middle_block.0", "mid_block.resnets.0");
  residual("middle_block.2", "mid_block.resnets.1");
  transformers["middle_block.1."] = "mid_block.attentions.0.";
  for (int block = 0, level = 0, index = 0; unet.has_below("output_blocks." + std::to_string(block) + "."); ++block) {
    const auto ours = "output_blocks." + std::to_string(block), up = "up_blocks." + std::to_string(level);
    residual(ours + ".0", up + ".resnets." + std::to_string(index));
    transformers[ours + ".1."] = up + ".attentions." + std::to_string(index) + ".";
    ++index;
    for (const auto* place : {".1.conv", ".2.conv"}) {
      if (!unet.has(ours + place + std::string(".weight"))) continue;
      names[ours + place] = up + ".upsamplers.0.conv";
      ++level, index = 0;
    }
  }
  for (const auto& module : modules_of(unet)) {
    if (names.contains(module)) continue;
    for (const auto& [ours, theirs] : transformers)
      if (module.starts_with(ours)) names[module] = theirs + module.substr(ours.size());
  }
  return names;
}

LoraTargets unet_targets(const LoraFile& file, const Weights& unet, std::vector<std::string>& used) {
  LoraTargets targets;
  for (const auto& module : modules_of(unet)) {
    take(file, "lora_unet_" + underscored(module), module, targets, used);
    take(file, "diffusion_model." + module, module, targets, used);
  }
  for (const auto& [module, diffusers] : diffusers_module_names(unet)) {
    take(file, "lora_unet_" + underscored(diffusers), module, targets, used);
    take(file, "lycoris_" + underscored(diffusers), module, targets, used);
    const auto processed = processor_name(diffusers);
    take(file, processed, module, targets, used);
    take(file, "unet." + processed, module, targets, used);
  }
  return targets;
}

LoraTargets clip_targets(const LoraFile& file, const std::vector<std::string>& weight_names, std::vector<std::string>& used) {
  LoraTargets targets;
  bool has_l = false;
  for (const auto& name : weight_names) has_l = has_l || name.starts_with("clip_l.");
  for (const auto& name : weight_names) {
    if (!name.ends_with(".weight")) continue;
    const auto module = name.substr(0, name.size() - 7);
    static constexpr std::string_view kInner = ".transformer.";
    const auto inner = module.find(kInner);
    if (inner == std::string::npos) continue;
    const auto encoder = module.substr(0, inner), path = module.substr(inner + kInner.size());
    const bool second = encoder == "clip_g" && has_l;
    const auto flat = underscored(path);
    if (!second) take(file, "lora_te_" + flat, module, targets, used);
    if (encoder == "clip_l") take(file, "lora_te1_" + flat, module, targets, used);
    if (encoder == "clip_g") take(file, "lora_te2_" + flat, module, targets, used);
    take(file, (second ? "text_encoder_2." : "text_encoder.") + path, module, targets, used);
  }
  return targets;
}

Weights::Patch lora_patch(std::shared_ptr<const LoraTargets> targets, double strength) {
  return [targets = std::move(targets), strength](const std::string& name, const at::Tensor& weight) {
    const auto found = targets->weights.find(name);
    if (found == targets->weights.end()) return weight;
    try {
      return apply_delta(weight, found->second, strength);
    } catch (const InvalidInput& error) {
      log::warn("{} is left as it is: {}", name, error.what());
      return weight;
    }
  };
}

}  // namespace darkroom
