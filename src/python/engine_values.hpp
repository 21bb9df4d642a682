#pragma once
// Values of the engine out of what Python holds. With the lock held.

#include <memory>
#include <string>

#include "base/error.hpp"
#include "diffusion/diffusion_model.hpp"
#include "nodes/diffusion_values.hpp"
#include "python/handles.hpp"

namespace darkroom::py {

/// The T of a handle. Throws InvalidInput "that is no <what>" for anything else.
template <class T>
std::shared_ptr<const T> held_in(PyObject* handle, const char* what) {
  const auto value = std::dynamic_pointer_cast<const Held<T>>(object_of(handle));
  if (!value) throw InvalidInput(std::string("that is no ") + what);
  return value->held;
}

inline std::shared_ptr<const DiffusionModel> model_of(PyObject* handle) { return held_in<DiffusionModel>(handle, "MODEL"); }

}  // namespace darkroom::py
