#pragma once
// HOOKS, HOOK_KEYFRAMES and TIMESTEPS_RANGE: what the hook nodes hand on.

#include <memory>

#include "diffusion/hooks.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"

namespace darkroom {

/// A part of the schedule, 0..1.
struct TimestepsRange {
  double start = 0, end = 1;
};

using HooksValue = Held<Hooks>;
using HookKeyframesValue = Held<HookKeyframes>;
using TimestepsRangeValue = Held<TimestepsRange>;

template <>
std::string HooksValue::describe() const;
template <>
std::size_t HooksValue::bytes() const;
template <>
std::string HookKeyframesValue::describe() const;
template <>
std::size_t HookKeyframesValue::bytes() const;
template <>
std::string TimestepsRangeValue::describe() const;
template <>
std::size_t TimestepsRangeValue::bytes() const;

/// The hooks of an input; none when it is not given.
Hooks hooks_or_none(const Inputs& in, std::string_view name);

}  // namespace darkroom
