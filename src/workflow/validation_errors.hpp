#pragma once
// The error objects of a refused prompt: `{"type","message","details","extra_info"}` (protocol.md §5). One function each.

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace darkroom::validation {

json::object error(std::string_view type, std::string_view message, std::string details, json::object extra_info = {});

// -- of the whole prompt
json::object missing_class_type(std::string_view node_id);
json::object unknown_class(std::string_view node_id, const json::value& node_class);
json::object no_outputs();
json::object outputs_failed(std::string details);

// -- of one input; `input_config` is `[type, options]` as in /object_info
struct InputFault {
  std::string_view name;
  json::value config;
};
json::object required_input_missing(std::string_view name, std::string_view last_part);
json::object bad_linked_input(InputFault input, const json::value& received);
json::object return_type_mismatch(InputFault input, const json::value& received_type, const json::value& wanted_type, const json::value& link);
json::object invalid_input_type(InputFault input, std::string_view type, const json::value& received, std::string_view exception_text);
json::object smaller_than_min(InputFault input, const json::value& received, const json::value& min);
json::object bigger_than_max(InputFault input, const json::value& received, const json::value& max);
json::object not_in_list(InputFault input, const json::value& received, const json::array& choices);
json::object custom_validation_failed(std::string_view name, std::string_view text);

// -- of a node
/// What Python would have raised. `type` is the name of its class: "KeyError".
struct Raised {
  std::string type;
  std::string text;
};
json::object exception_during_validation(const Raised& raised, std::string_view where);
/// On the node above, found by way of `input` of the node that links to it.
json::object exception_during_inner_validation(const Raised& raised, std::string_view where, InputFault input, const json::value& link);

struct CycleNode {
  std::string_view id, node_class;
};
/// `circle`: its nodes from consumer to source, the reported one first, as many as are shown; `length`: all of them.
json::object dependency_cycle(const std::vector<CycleNode>& circle, std::size_t length);

/// Text of a value inside `details`: Python's str(), cut at a limit.
std::string shown(const json::value& value);

}  // namespace darkroom::validation
