#pragma once
// Inputs that diffusion nodes share.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "workflow/schema.hpp"

namespace darkroom {

/// An input of the old form without options: `["MODEL"]`.
inline Socket bare(std::string type) { return {std::move(type), {.bare = true}}; }
inline Combo bare(Combo combo) {
  combo.common.bare = true;
  return combo;
}
/// A choice whose list is made at run time, of the old form without options.
inline Combo bare_choice(std::vector<std::string> choices) { return bare(Combo(std::move(choices), nullptr)); }

inline Int seed_input(Common common = {}) { return {.value = 0, .min = 0, .max = UINT64_MAX, .control_after_generate = true, .common = std::move(common)}; }
inline Float cfg_input(Common common = {}) { return {.value = 8.0, .min = 0.0, .max = 100.0, .step = 0.1, .round = 0.01, .common = std::move(common)}; }
/// A number in hundredths.
inline Float hundredths(double value, double min, double max) { return {.value = value, .min = min, .max = max, .step = 0.01}; }
/// A part of a whole, 0 to 1.
inline Float thousandths(double value) { return {.value = value, .min = 0.0, .max = 1.0, .step = 0.001}; }

}  // namespace darkroom
