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

/// A node of the hooks' module; `place`: its category below theirs, "/create".
inline NodeSchema hook_node(const char* name, const char* place, const char* display_name) {
  return NodeSchema(name, Form::kV1).module("comfy_extras.nodes_hooks").category(std::string("advanced/hooks") + place).display_name(display_name).experimental();
}

/// The hooks of an input; none when it is not given.
Hooks hooks_or_none(const Inputs& in, std::string_view name);

}  // namespace darkroom
