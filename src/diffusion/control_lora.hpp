#pragma once
// Control LoRA: a ControlNet whose blocks are the model's own weights and differences of low rank to them (Stability AI 2023, after
// Zhang et al. 2023 and Hu et al. 2021). Only the hint's layers, the zero convolutions and the norms are its own.

#include <memory>

#include "diffusion/diffusion_model.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// Is it a control LoRA's file? A tensor `lora_controlnet` says so.
bool is_control_lora(const StateDict& tensors);

/// The ControlNet's weights in ldm's names: the file's own, and `model.X.weight + X.up X.down`; the model's patches count. They stay views
/// of both files until they are taken. Throws InvalidInput where up and down do not fit the model.
Weights control_lora_weights(const std::shared_ptr<const StateDict>& tensors, const Network& model);

}  // namespace darkroom
