#pragma once
// Inputs that depend on other inputs (protocol.md §10.4): members of an Autogrow group, inputs of a DynamicCombo's choice,
// inputs below a DynamicSlot. In a prompt they stand flat, under dotted names (`nums.num0`, `op.factor`); the validator
// checks them flat, the executor nests them into one argument a group.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "workflow/graph.hpp"
#include "workflow/schema.hpp"

namespace darkroom {

/// Does the class declare any growing input? The common answer is no, and then neither function below is needed.
bool has_dynamic_inputs(const NodeSchema& schema);

/// One input that is live for a given set of inputs.
struct EffectiveInput {
  InputSpec spec;                 ///< `name` is the whole dotted name; an Autogrow member is optional
  std::string last_part;          ///< "factor" of "op.factor": what a missing input is reported by
  std::vector<std::string> path;  ///< where its value goes: {"text"}, {"nums","num0"}, {"op","factor"}, the choice itself {"op","op"}
  bool unchecked = false;         ///< a choice: neither its absence nor its value is a fault of validation
};

/// The live inputs of a node in the order of INPUT_TYPES (required, then optional), groups expanded at their place; no hidden ones.
/// Autogrow: the members that are given, up to `max`. DynamicCombo: the choice and the inputs of its key, nothing for an
/// unknown key. DynamicSlot: the slot, and its inputs when the slot is given.
std::vector<EffectiveInput> effective_inputs(const NodeSchema& schema, const json::object& inputs);
std::vector<EffectiveInput> effective_inputs(const NodeSchema& schema, const GraphNode& node);

/// Name as in the prompt → where its value goes, for every live input: one part for an ordinary input, more for a nested one.
/// A name that is not in it isn't declared (its constant is dropped, its link goes to the function as it is named).
/// `op`="times", `op.factor`=3 → {"op": {"op","op"}, "op.factor": {"op","factor"}}, so the argument is op={"op":"times","factor":3}.
using ArgumentPaths = std::unordered_map<std::string, std::vector<std::string>>;
ArgumentPaths argument_paths(const NodeSchema& schema, const GraphNode& node);

}  // namespace darkroom
