#pragma once
// What VAE nodes share: the VAE of an input, and how its calls are run.

#include <memory>
#include <string_view>

#include "diffusion/vae.hpp"
#include "worker/node.hpp"

namespace darkroom {

/// Looks at cancellation between blocks, shows tiles as progress of the node, and asks how much memory there is. `context` outlives it.
VaeRun vae_run(Context& context);

/// The VAE of an input. Throws NamedError in the words that users know when a checkpoint had none.
std::shared_ptr<const Vae> usable_vae(const Inputs& in, std::string_view name = "vae");

}  // namespace darkroom
