#include "workflow/edit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "workflow/convert_constant.hpp"
#include "workflow/dynamic_inputs.hpp"

namespace darkroom {
namespace {

/// Limit: nodes named when --set fits several. Beyond: their number is told. Fixed: for the eye. Edge: ApplyEdit.NamesAFewCandidates.
constexpr std::size_t kMaxCandidates = 12;

std::string title_of(const json::object& node) {
  const auto* meta = find_object(node, "_meta");
  return meta ? string_or(*meta, "title", "") : "";
}

/// `6 (CLIPTextEncode, "Positive")`
std::string described(std::string_view id, const json::object& node) {
  const std::string title = title_of(node), node_class = string_or(node, "class_type", "?");
  return title.empty() || title == node_class ? fmt::format("{} ({})", id, node_class) : fmt::format("{} ({}, \"{}\")", id, node_class, title);
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kMaxCandidates; ++i) out += (i ? ", " : "") + names[i];
  if (names.size() > kMaxCandidates) out += fmt::format(" and {} more", names.size() - kMaxCandidates);
  return out.empty() ? "(none)" : out;
}

struct Target {
  std::string id;
  json::object* node;
};

template <class Predicate>
std::vector<Target> nodes_where(json::object& prompt, const Predicate& predicate) {
  std::vector<Target> found;
  for (auto& item : prompt)
    if (auto* node = item.value().if_object(); node && predicate(std::string_view(item.key()), *node)) found.push_back({std::string(item.key()), node});
  return found;
}

/// `edit`: what is being done, as its errors begin ("" for nothing).
Target only_one(std::vector<Target> found, std::string_view edit, std::string_view name) {
  if (found.size() == 1) return found.front();
  std::vector<std::string> names;
  for (const auto& target : found) names.push_back(described(target.id, *target.node));
  throw InvalidInput(fmt::format("{}\"{}\" means {} nodes: {}; use an id", edit, name, found.size(), listed(names)));
}

Target find_target(json::object& prompt, std::string_view edit, std::string_view name) {
  if (auto* node = prompt.if_contains(name); node && node->is_object()) return {std::string(name), &node->get_object()};
  const std::string wanted = lower(name);
  for (const bool by_title : {true, false}) {
    auto found = nodes_where(prompt, [&](std::string_view, const json::object& node) { return lower(by_title ? title_of(node) : string_or(node, "class_type", "")) == wanted; });
    if (!found.empty()) return only_one(std::move(found), edit, name);
  }
  std::vector<std::string> names;
  for (const auto& target : nodes_where(prompt, [](std::string_view, const json::object&) { return true; })) names.push_back(described(target.id, *target.node));
  throw InvalidInput(fmt::format("{}no node has the id, title or class \"{}\"; there are {}", edit, name, listed(names)));
}

/// The inputs of a node by name: those that it has, then those that its class declares.
std::vector<std::string> input_names(const json::object& node, const NodeSchema* schema) {
  std::vector<std::string> names;
  const auto* inputs = find_object(node, "inputs");
  if (inputs)
    for (const auto& item : *inputs) names.emplace_back(item.key());
  if (schema)
    for (const auto& live : effective_inputs(*schema, inputs ? *inputs : json::object{}))
      if (std::find(names.begin(), names.end(), live.spec.name) == names.end()) names.push_back(live.spec.name);
  return names;
}

/// The only node that has an input of this name, for `text=…`.
Target find_by_input(json::object& prompt, std::string_view edit, std::string_view input) {
  auto found = nodes_where(prompt, [&](std::string_view, const json::object& node) {
    const auto* inputs = find_object(node, "inputs");
    const auto* value = inputs ? inputs->if_contains(input) : nullptr;
    return value && !value->is_array();
  });
  if (found.empty()) throw InvalidInput(fmt::format("{}no node has an input \"{}\" with a value", edit, input));
  return only_one(std::move(found), edit, input);
}

json::value any_value(std::string_view text) {
  try {
    return parse_json(text);
  } catch (const Error&) {
    return json::value(text);
  }
}

json::value truth(std::string_view text) {
  const std::string word = lower(trim(text));
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0") return false;
  throw ConversionError("expected true or false");
}

/// A choice is a text, unless its list holds numbers or booleans that are written like it.
json::value choice(const InputSpec& spec, std::string_view text) {
  for (const auto& one : spec.choices)
    if (python_str(one) == text) return one;
  return json::value(text);
}

json::value typed(const InputSpec& spec, std::string_view text) {
  if (spec.is_choice()) return choice(spec, text);
  if (spec.type == "STRING" || spec.type == "COMFY_DYNAMICCOMBO_V3") return json::value(text);
  if (spec.type == "BOOLEAN") return truth(text);
  if (spec.type == "INT" || spec.type == "FLOAT") return convert_constant(spec.type, json::value(text));
  return any_value(text);
}

bool is_seed(std::string_view name) { return name == "seed" || name == "noise_seed"; }

template <class Next>
void each_seed(json::object& prompt, const Next& next) {
  for (auto& item : prompt) {
    auto* node = item.value().if_object();
    auto* inputs = node ? node->if_contains("inputs") : nullptr;
    if (!inputs || !inputs->is_object()) continue;
    for (auto& input : inputs->get_object())
      if (is_seed(input.key()) && input.value().is_number()) next(item.key(), input.key(), input.value());
  }
}

}  // namespace

std::string find_node(const json::object& prompt, std::string_view name) {
  return find_target(const_cast<json::object&>(prompt), "", name).id;  // only looked at
}

void apply_edit(json::object& prompt, std::string_view text, const SchemaSet* schemas) {
  const std::string edit = fmt::format("edit \"{}\": ", text);
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0) throw InvalidInput(edit + "expected NODE.INPUT=VALUE, for example 6.text=\"a cat\"");
  const std::string_view path = trim(text.substr(0, equals)), value = text.substr(equals + 1);

  // Ids and titles may hold dots, and so may inputs (`3.op.factor`): the longest target that is there wins.
  Target target{"", nullptr};
  std::string_view input = path;
  for (auto dot = path.rfind('.'); dot != path.npos && dot > 0; dot = path.rfind('.', dot - 1)) {
    const std::string wanted = lower(path.substr(0, dot));
    const bool known = prompt.contains(path.substr(0, dot)) ||
                       !nodes_where(prompt, [&](std::string_view, const json::object& node) { return lower(title_of(node)) == wanted || lower(string_or(node, "class_type", "")) == wanted; }).empty();
    if (!known) continue;
    target = find_target(prompt, edit, path.substr(0, dot));
    input = path.substr(dot + 1);
    break;
  }
  if (!target.node) {
    const auto dot = path.find('.');
    target = dot == path.npos ? find_by_input(prompt, edit, path) : find_target(prompt, edit, path.substr(0, dot));
  }

  const NodeSchema* schema = schemas ? schemas->find(string_or(*target.node, "class_type", "")) : nullptr;
  auto& slot = (*target.node)["inputs"];
  if (!slot.is_object()) slot = json::object{};
  json::object& inputs = slot.get_object();
  InputSpec spec;
  bool declared = false;
  if (schema)
    for (auto& live : effective_inputs(*schema, inputs))
      if (live.spec.name == input) {
        spec = std::move(live.spec);
        declared = true;
      }
  const bool has_choice = schema && schema->find_input(input);  // a DynamicCombo whose choice isn't made yet
  if (!declared && has_choice) spec = *schema->find_input(input);
  if (!inputs.contains(input) && (schema ? !declared && !has_choice : true))
    throw InvalidInput(fmt::format("{}node {} has no input \"{}\"; it has {}", edit, described(target.id, *target.node), input,
                                   listed(input_names(*target.node, schema))));
  try {
    inputs[input] = declared || has_choice ? typed(spec, value) : any_value(value);
  } catch (const ConversionError& fault) {
    throw InvalidInput(fmt::format("{}input \"{}\" takes {}: {}", edit, input, spec.type, fault.what()));
  }
}

std::size_t set_seeds(json::object& prompt, std::uint64_t seed) {
  std::size_t count = 0;
  each_seed(prompt, [&](std::string_view, std::string_view, json::value& value) {
    if (seed <= 0x7fff'ffff'ffff'ffffu) value = static_cast<std::int64_t>(seed);
    else value = seed;
    ++count;
  });
  return count;
}

json::object randomize_seeds(json::object& prompt, const std::function<std::uint64_t()>& random) {
  json::object set;
  each_seed(prompt, [&](std::string_view node, std::string_view input, json::value& value) {
    value = static_cast<std::int64_t>(random() >> 11);
    set[fmt::format("{}.{}", node, input)] = value;
  });
  return set;
}

}  // namespace darkroom
