#pragma once
// What nodes with a CLIP input share.

#include <memory>

#include "diffusion/clip.hpp"
#include "nodes/diffusion_values.hpp"

namespace darkroom {

/// The text encoder of an input. None is a checkpoint without one: the error says so in the words that users know.
std::shared_ptr<const Clip> clip_input(const Inputs& in, std::string_view name = "clip");

/// Embeddings of the folder `embeddings`, and interruption by the job.
PromptContext prompt_context(Context& context);

template <>
std::string ClipValue::describe() const;
template <>
std::size_t ClipValue::bytes() const;

}  // namespace darkroom
