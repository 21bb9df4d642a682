#pragma once
// Where a file keeps its autoencoder, and what it calls the parts.

#include <optional>
#include <string>
#include <string_view>

#include "tensor/weights.hpp"

namespace darkroom {

/// The KL autoencoder of a file by the names of the single-file form: "decoder.up.3.block.0.conv1.weight", "quant_conv.bias", ...
/// Looks below `first_stage_model.`, below `vae.` and at the root; files of diffusers' form are renamed. Nothing when there is none.
std::optional<Weights> find_kl_vae(const Weights& file);

/// The single-file name of a tensor that diffusers calls `name` ("decoder.up_blocks.0.resnets.1.conv_shortcut.weight").
/// `levels`: how many there are, for diffusers counts the decoder's from the other end. A name that needs no change stays.
std::string vae_name_from_diffusers(std::string_view name, int levels);

}  // namespace darkroom
