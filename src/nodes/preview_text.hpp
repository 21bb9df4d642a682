#pragma once
// Any value as a text to look at.

#include <string>

#include "worker/value.hpp"

namespace darkroom {

/// A text as it is, a scalar as Python prints it, lists and dicts as JSON with an indent of four where they can be, else as
/// Python's str(): tensors as PyTorch prints them, latents as the dicts that they are for Python nodes.
std::string preview_text(const Value& value);

}  // namespace darkroom
