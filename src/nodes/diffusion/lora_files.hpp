#pragma once
// LoRA files, opened once for all prompts.

#include <memory>
#include <string>

#include "diffusion/lora.hpp"
#include "worker/node.hpp"

namespace darkroom {

/// A listed file's deltas; none when they have no form that is known. Throws NotFound, or InvalidInput that begins with the file's name.
std::shared_ptr<const LoraFile> open_lora(const std::string& name, Context& context);

}  // namespace darkroom
