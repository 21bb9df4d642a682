#pragma once
// CONDITIONING as Python knows it: a list of [text, what else is said]. With the lock held.

#include <optional>

#include "diffusion/conditioning.hpp"
#include "python/ref.hpp"

namespace darkroom::py {

/// [[Tensor [1,T,D], {"pooled_output": Tensor, "strength": float, "area": (h, w, y, x), ...}], ...]
Ref conditioning_list(const Conditioning& entries);

/// What conditioning_list() gives, changed or not; nothing for a list of another form. Keys that it does not know are kept for Python.
/// Throws InvalidInput that names the key whose value is of a wrong type.
std::optional<Conditioning> conditioning_of(PyObject* list);

}  // namespace darkroom::py
