#pragma once
// The names that diffusers gives a UNet's or ControlNet's tensors, as ldm's names, which everything here is written with.

#include <string_view>

#include "tensor/state_dict.hpp"

namespace darkroom {

/// Does it have diffusers' names ("down_blocks.0.resnets.0.conv1.weight")?
bool has_diffusers_names(const StateDict& tensors);

/// The same tensors under ldm's names ("input_blocks.1.0.in_layers.2.weight"); what has no such name keeps its own.
StateDict ldm_names(const StateDict& diffusers);

}  // namespace darkroom
