#pragma once
// Validation of a prompt before it is accepted (protocol.md §5): the same tests, error types and texts as ComfyUI 0.8.0,
// in one walk over the nodes that the chosen outputs need. Linear in nodes and links; no recursion, whatever the graph.

#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "workflow/schema.hpp"

namespace darkroom {

/// What a class's own validator raised; `type` is the name of the Python class ("RuntimeError").
struct RaisedInValidator : std::runtime_error {
  RaisedInValidator(std::string type_name, const std::string& text) : std::runtime_error(text), type(std::move(type_name)) {}
  std::string type;
};

/// Asks a class's own validator (VALIDATE_INPUTS / validate_inputs); blocks until it answered.
/// `inputs`: the constants that it takes, null for linked ones; `received_types`: input → type of its link, empty unless
/// the validator takes `input_types`. Answers true, false or a text. Throws RaisedInValidator or Error.
using AskValidator = std::function<json::value(const std::string& node_class, const json::object& inputs, const json::object& received_types)>;

struct Validation {
  bool ok = false;                   ///< at least one output can run
  json::object error;                ///< of the 400 reply when not ok
  json::object node_errors;          ///< node id → {errors, dependent_outputs, class_type}; may be non-empty when ok
  std::vector<std::string> outputs;  ///< the output nodes to run, in prompt order
};

/// Validates `prompt` and writes converted constants back into it. A wrapped list that looks like a link stays wrapped
/// (`{"__value__": ["4", 0]}`), so that it never becomes one.
/// `targets`: `partial_execution_targets`, or null for all outputs. `ask` may be empty when no schema has a validator.
Validation validate(json::object& prompt, const SchemaSet& schemas, ChoiceLists& lists, const std::vector<std::string>* targets = nullptr,
                    const AskValidator& ask = {});

}  // namespace darkroom
