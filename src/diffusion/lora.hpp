#pragma once
// LoRA and its relatives: files that change the weights of a model by a little of low rank.
// Sources: LoRA (Hu et al. 2021), LyCORIS (Yeh et al. 2023: LoCon, LoHa, LoKr), DoRA (Liu et al. 2024).

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/state_dict.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// What a file says of one weight: the tensors of its stem by their suffix ("up", "down", "alpha", "hada_w1_a", ...).
struct WeightDelta {
  std::map<std::string, at::Tensor, std::less<>> parts;
};

/// A LoRA file's deltas by stem: "lora_unet_input_blocks_1_1_proj_in".
struct LoraFile {
  std::map<std::string, WeightDelta, std::less<>> deltas;
};
LoraFile read_lora(const StateDict& tensors);

/// Deltas by the name of the weight that they change.
struct LoraTargets {
  std::map<std::string, WeightDelta, std::less<>> weights;
};

/// The deltas for a UNet (names below its root, "input_blocks.1.1.proj_in.weight") in any of the usual key forms: kohya, diffusers with processors, single-file.
/// Stems that were used are added to `used`.
LoraTargets unet_targets(const LoraFile& file, const Weights& unet, std::vector<std::string>& used);
/// The same for text encoders: names "clip_l.transformer.text_model.encoder.layers.0.mlp.fc1.weight", and clip_g., clip_h.
LoraTargets clip_targets(const LoraFile& file, const std::vector<std::string>& weight_names, std::vector<std::string>& used);

/// The patch that adds them with a strength; weights without a delta pass unchanged. A delta of another shape is left out.
Weights::Patch lora_patch(std::shared_ptr<const LoraTargets> targets, double strength);

/// One weight with its delta: float32 of the weight's shape. Throws InvalidInput when shapes do not fit.
at::Tensor apply_delta(const at::Tensor& weight, const WeightDelta& delta, double strength);

/// diffusers' name of each module of a UNet in single-file form: "input_blocks.1.0.in_layers.2" -> "down_blocks.0.resnets.0.conv1".
std::map<std::string, std::string> diffusers_module_names(const Weights& unet);

}  // namespace darkroom
