#include "workflow/custom_validation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "workflow/convert_constant.hpp"
#include "workflow/dynamic_inputs.hpp"
#include "workflow/graph.hpp"
#include "workflow/validation_errors.hpp"

namespace darkroom {
namespace {

using validation::Raised;

/// As Python words it: "C.VALIDATE_INPUTS() missing 2 required positional arguments: 'a' and 'b'".
Raised missing_arguments(const NodeSchema& schema, const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += names.size() == 2 ? " and " : i + 1 == names.size() ? ", and " : ", ";
    list += "'" + names[i] + "'";
  }
  return {"TypeError", fmt::format("{}.{}() missing {} required positional argument{}: {}", schema.node_class(),
                                   schema.form() == Form::kV3 ? "validate_inputs" : "VALIDATE_INPUTS", names.size(), names.size() == 1 ? "" : "s", list)};
}

/// "image" of "Invalid image file": what the list holds if it says so, else the input's name.
std::string kind_of_file(const InputSpec& input) {
  const std::string& types = input.source.argument;
  if (types.empty() || types.find(',') != types.npos) return input.name;
  return types.starts_with('.') ? types.substr(1) : types;
}

void check_files(const NodeSchema& schema, const json::object* inputs, ChoiceCache& lists, json::array& errors) {
  std::vector<std::string> missing;
  for (const auto& input : schema.inputs()) {
    if (!input.must_exist || input.section == Section::kHidden) continue;
    const auto* value = inputs ? inputs->if_contains(input.name) : nullptr;
    if (!value) {
      if (input.section == Section::kRequired) missing.push_back(input.name);
      continue;
    }
    // A name that comes by a link isn't known yet; ComfyUI refuses it in these words.
    if (!value->is_string()) throw Raised{"AttributeError", fmt::format("'{}' object has no attribute 'endswith'", is_link(*value) ? "NoneType" : python_type(*value))};
    if (!lists.file_exists(std::string_view(value->get_string()))) errors.push_back(validation::custom_validation_failed(input.name, fmt::format("Invalid {} file: {}", kind_of_file(input), validation::shown(*value))));
  }
  if (!missing.empty()) throw missing_arguments(schema, missing);
}

/// The value of a given input as the validator gets it: null for a link, a constant out of its wrapper.
json::value argument(const json::value& given) {
  if (is_link(given)) return nullptr;
  const auto* object = given.if_object();
  const auto* wrapped = object ? object->if_contains("__value__") : nullptr;
  return wrapped ? *wrapped : given;
}

/// The inputs that the validator takes, in prompt order. An undeclared constant never reaches a class, an undeclared link does.
json::object taken_inputs(const NodeSchema& schema, const ValidatorSpec& validator, const json::object* inputs) {
  json::object taken;
  if (!inputs) return taken;
  const bool dynamic = has_dynamic_inputs(schema);
  const auto expanded = dynamic ? effective_inputs(schema, *inputs) : std::vector<EffectiveInput>{};
  for (const auto& [name, given] : *inputs) {
    const std::string_view key = name;
    const auto* spec = schema.find_input(key);
    const bool declared = (spec && spec->section != Section::kHidden) ||
                          std::any_of(expanded.begin(), expanded.end(), [&](const EffectiveInput& input) { return input.spec.name == key; });
    if (!declared && !is_link(given)) continue;
    if (validator.takes_all || std::find(validator.names.begin(), validator.names.end(), key) != validator.names.end()) taken[name] = argument(given);
  }
  return taken;
}

json::value answer_of(const NodeSchema& schema, const json::object& taken, const json::object& received_types, const AskValidator& ask) {
  if (!ask) throw Raised{"RuntimeError", "nobody can be asked to validate " + schema.node_class()};
  try {
    return ask(schema.node_class(), taken, received_types);
  } catch (const RaisedInValidator& raised) {
    throw Raised{raised.type, raised.what()};
  } catch (const Error& error) {
    throw Raised{python_name(error.kind()), error.what()};
  }
}

}  // namespace

void validate_by_class(const NodeSchema& schema, const json::object* inputs, const json::object& received_types, ChoiceCache& lists,
                       const AskValidator& ask, json::array& errors) {
  check_files(schema, inputs, lists, errors);
  if (!schema.validator()) return;
  const ValidatorSpec& validator = *schema.validator();
  if (validator.names.empty() && !validator.takes_all && !validator.takes_types) return;

  const json::object taken = taken_inputs(schema, validator, inputs);
  std::vector<std::string> missing;
  for (const auto& name : validator.names)
    if (!taken.contains(name) && !validator.has_default(name)) missing.push_back(name);
  if (!missing.empty()) throw missing_arguments(schema, missing);

  const json::value answer = answer_of(schema, taken, received_types, ask);
  if (answer.is_bool() && answer.get_bool()) return;
  const std::string text = answer.is_bool() ? "" : python_str(answer);
  for (const auto& item : taken) errors.push_back(validation::custom_validation_failed(item.key(), text));
  if (validator.takes_types) errors.push_back(validation::custom_validation_failed("input_types", text));
}

}  // namespace darkroom
