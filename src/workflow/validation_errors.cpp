#include "workflow/validation_errors.hpp"

#include <fmt/format.h>

#include "workflow/limits.hpp"

namespace darkroom::validation {
namespace {

/// A text cut at a limit of bytes, never inside a UTF-8 character.
std::string cut(std::string text) {
  if (text.size() <= limits::kMaxValueText) return text;
  std::size_t end = limits::kMaxValueText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text + "...";
}

json::object input_info(InputFault input, std::string_view key, const json::value& received) {
  return {{"input_name", input.name}, {"input_config", std::move(input.config)}, {key, received}};
}

}  // namespace

std::string shown(const json::value& value) { return cut(python_str(value)); }

json::object error(std::string_view type, std::string_view message, std::string details, json::object extra_info) {
  return {{"type", type}, {"message", message}, {"details", std::move(details)}, {"extra_info", std::move(extra_info)}};
}

json::object missing_class_type(std::string_view node_id) {
  return error("invalid_prompt", "Cannot execute because a node is missing the class_type property.", fmt::format("Node ID '#{}'", node_id));
}

json::object unknown_class(std::string_view node_id, const json::value& node_class) {
  return error("invalid_prompt", fmt::format("Cannot execute because node {} does not exist.", shown(node_class)), fmt::format("Node ID '#{}'", node_id));
}

json::object no_outputs() { return error("prompt_no_outputs", "Prompt has no outputs", ""); }

json::object outputs_failed(std::string details) {
  return error("prompt_outputs_failed_validation", "Prompt outputs failed validation", std::move(details));
}

json::object required_input_missing(std::string_view name, std::string_view last_part) {
  return error("required_input_missing", "Required input is missing", std::string(last_part), {{"input_name", name}});
}

json::object bad_linked_input(InputFault input, const json::value& received) {
  std::string name(input.name);
  return error("bad_linked_input", "Bad linked input, must be a length-2 list of [node_id, slot_index]", std::move(name),
               input_info(std::move(input), "received_value", received));
}

json::object return_type_mismatch(InputFault input, const json::value& received_type, const json::value& wanted_type, const json::value& link) {
  std::string details = fmt::format("{}, received_type({}) mismatch input_type({})", input.name, shown(received_type), shown(wanted_type));
  json::object info = input_info(std::move(input), "received_type", received_type);
  info["linked_node"] = link;
  return error("return_type_mismatch", "Return type mismatch between linked nodes", std::move(details), std::move(info));
}

json::object invalid_input_type(InputFault input, std::string_view type, const json::value& received, std::string_view exception_text) {
  const std::string text = cut(std::string(exception_text));
  std::string details = fmt::format("{}, {}, {}", input.name, shown(received), text);
  json::object info = input_info(std::move(input), "received_value", received);
  info["exception_message"] = text;
  return error("invalid_input_type", fmt::format("Failed to convert an input value to a {} value", type), std::move(details), std::move(info));
}

json::object smaller_than_min(InputFault input, const json::value& received, const json::value& min) {
  std::string name(input.name);
  return error("value_smaller_than_min", fmt::format("Value {} smaller than min of {}", shown(received), shown(min)), std::move(name),
               input_info(std::move(input), "received_value", received));
}

json::object bigger_than_max(InputFault input, const json::value& received, const json::value& max) {
  std::string name(input.name);
  return error("value_bigger_than_max", fmt::format("Value {} bigger than max of {}", shown(received), shown(max)), std::move(name),
               input_info(std::move(input), "received_value", received));
}

json::object not_in_list(InputFault input, const json::value& received, const json::array& choices) {
  const bool is_long = choices.size() > limits::kMaxChoicesShown;
  const std::string list = is_long ? fmt::format("(list of length {})", choices.size()) : python_repr(choices);
  std::string details = fmt::format("{}: '{}' not in {}", input.name, shown(received), list);
  if (is_long) input.config = nullptr;
  return error("value_not_in_list", "Value not in list", std::move(details), input_info(std::move(input), "received_value", received));
}

json::object custom_validation_failed(std::string_view name, std::string_view text) {
  return error("custom_validation_failed", "Custom validation failed for node",
               text.empty() ? std::string(name) : fmt::format("{} - {}", name, cut(std::string(text))), {{"input_name", name}});
}

json::object exception_during_validation(const Raised& raised, std::string_view where) {
  return error("exception_during_validation", "Exception when validating node", cut(raised.text),
               {{"exception_type", raised.type}, {"traceback", json::array{json::value(where)}}});
}

json::object exception_during_inner_validation(const Raised& raised, std::string_view where, InputFault input, const json::value& link) {
  const std::string text = cut(raised.text);
  return error("exception_during_inner_validation", "Exception when validating inner node", text,
               {{"input_name", input.name}, {"input_config", std::move(input.config)}, {"exception_message", text},
                {"exception_type", raised.type}, {"traceback", json::array{json::value(where)}}, {"linked_node", link}});
}

json::object dependency_cycle(const std::vector<CycleNode>& circle, std::size_t length) {
  std::string details;
  json::array ids;
  for (std::size_t i = 0; i < circle.size() && i < limits::kMaxCycleShown; ++i) {
    details += fmt::format("{} ({}) -> ", circle[i].id, circle[i].node_class);
    ids.push_back(json::value(circle[i].id));
  }
  if (length > limits::kMaxCycleShown) details += fmt::format("... ({} nodes) -> ", length);
  details += fmt::format("{} ({})", circle.front().id, circle.front().node_class);
  return error("dependency_cycle", "Dependency cycle detected", std::move(details), {{"node_id", circle.front().id}, {"cycle_nodes", std::move(ids)}});
}

}  // namespace darkroom::validation
