#pragma once
// Changes of a MODEL that Python functions make: guidance, attention, blocks, and what is around the network. The functions get what
// ComfyUI's model patches get; darkroom_host.patches puts their arguments together.

#include <memory>
#include <string_view>

#include "diffusion/diffusion_model.hpp"
#include "python/ref.hpp"

namespace darkroom::py {

/// `model` with `function` as one more patch of this kind ("attn1_patch", "sampler_cfg_function", ...). `options`: of attn1_replace and
/// attn2_replace {"block": "input", "number": int, "transformer_index": int or None}; of the functions before and after guidance
/// {"needs_uncond": bool}. Throws InvalidInput for a kind that there isn't. With the lock held.
std::shared_ptr<const DiffusionModel> patched_model(const DiffusionModel& model, std::string_view kind, PyObject* function, PyObject* options);

}  // namespace darkroom::py
