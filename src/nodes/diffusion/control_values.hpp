#pragma once
// CONTROL_NET as nodes hand it on.

#include <cstdint>
#include <memory>
#include <optional>

#include "diffusion/control.hpp"
#include "nodes/diffusion_values.hpp"

namespace darkroom {

/// A control and what it was told of the pictures that it will see.
struct Control {
  std::shared_ptr<const ControlModel> model;
  std::optional<std::int64_t> union_type;  ///< SetUnionControlNetType; nothing: not said
};
using ControlValue = Held<Control>;

}  // namespace darkroom
