#include "diffusion/guidance.hpp"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

namespace darkroom {

bool is_cfg_one(double cfg) { return std::abs(cfg - 1.0) <= 1e-9 * std::max(std::abs(cfg), 1.0); }

at::Tensor guide(GuidanceStep& step, const GuidanceHooks& hooks) {
  for (const auto& before : hooks.before) before(step);
  at::Tensor result;
  if (hooks.formula) {
    if (!step.uncond().defined()) step.denoised[1] = at::Tensor(step.cond());  // a formula sees no difference
    result = hooks.formula(step);
  } else if (!step.uncond().defined()) {
    result = step.cond();
  } else {
    result = step.uncond() + (step.cond() - step.uncond()) * step.cfg;
  }
  for (const auto& after : hooks.after) result = after(step, result);
  return result;
}

}  // namespace darkroom
