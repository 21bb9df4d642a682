#pragma once
// Values of the engine out of what Python holds. With the lock held.

#include <memory>

#include "base/error.hpp"
#include "diffusion/diffusion_model.hpp"
#include "nodes/diffusion_values.hpp"
#include "python/handles.hpp"

namespace darkroom::py {

/// Throws InvalidInput for anything but a MODEL.
inline std::shared_ptr<const DiffusionModel> model_of(PyObject* handle) {
  const auto value = std::dynamic_pointer_cast<const ModelValue>(object_of(handle));
  if (!value) throw InvalidInput("that is no MODEL");
  return value->held;
}

}  // namespace darkroom::py
