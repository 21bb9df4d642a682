#include "workflow/text_links.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "workflow/dynamic_inputs.hpp"
#include "workflow/editor_widgets.hpp"
#include "workflow/types_meet.hpp"

namespace darkroom {
namespace {

std::string class_of(const json::object& node) {
  return string_or(node, "class_type", string_or(node, "type", ""));
}

/// Values of these types are written as texts or numbers; everything else can only come by a link.
bool takes_constants(const InputSpec& input) {
  if (bool_or(input.options, "forceInput", false)) return false;
  return input.type == "STRING" || input.type == "INT" || input.type == "FLOAT" || input.type == "BOOLEAN" || input.is_choice() || input.type == "*" ||
         input.type.find(',') != input.type.npos || input.type == "COMFY_DYNAMICCOMBO_V3" || input.type == "COMFY_MATCHTYPE_V3";
}

class TextLinks {
 public:
  TextLinks(const json::object& nodes, const SchemaSet& schemas) : nodes_(nodes), schemas_(schemas) {}

  /// The link that a text is; nothing when it is a constant.
  std::optional<json::array> link_of(std::string_view where, const NodeSchema* schema, std::string_view input, std::string_view text) const {
    const InputSpec* spec = schema ? schema->find_input(input) : nullptr;
    InputSpec member;
    if (!spec && schema && has_dynamic_inputs(*schema)) {  // a member of a group: its own declaration
      for (auto& live : effective_inputs(*schema, json::object{{input, json::array{"", 0}}}))
        if (live.spec.name == input) {
          member = std::move(live.spec);
          spec = &member;
        }
    }
    if (schema && !spec) return std::nullopt;
    const bool socket_only = spec && !takes_constants(*spec);
    const auto [id, output] = taken_apart(text, socket_only);
    if (id.empty()) return std::nullopt;
    const NodeSchema* source = schemas_.find(class_of(nodes_.at(id).as_object()));
    if (!source) {
      // An unknown class has no outputs to name; slot numbers still work, and validation names the class.
      if (const auto slot = number(output); slot && socket_only) return json::array{json::value(id), *slot};
      return spec && !socket_only ? std::nullopt : std::optional(json::array{json::value(id), 0});
    }
    const auto slot = slot_of(*source, output, socket_only);
    if (slot && (socket_only || !spec || fits(source->outputs()[static_cast<std::size_t>(*slot)], *spec))) return json::array{json::value(id), *slot};
    if (!socket_only) return std::nullopt;
    std::string names;
    for (const auto& known : source->outputs()) names += (names.empty() ? "" : ", ") + (known.name.empty() ? known.type : known.name);
    throw InvalidInput(fmt::format("workflow: node {}: input {} links to \"{}\", but {} ({}) has the outputs {}", where, input, text, id, source->node_class(),
                                   names.empty() ? "(none)" : names));
  }

 private:
  /// ("load_image", "image") of "load_image.image"; an id may hold dots itself. Empty when no node is named.
  std::pair<std::string_view, std::string_view> taken_apart(std::string_view text, bool bare_id) const {
    if (bare_id && is_node(text)) return {text, {}};
    for (auto dot = text.rfind('.'); dot != text.npos && dot > 0; dot = text.rfind('.', dot - 1))
      if (is_node(text.substr(0, dot))) return {text.substr(0, dot), text.substr(dot + 1)};
    return {};
  }

  bool is_node(std::string_view id) const {
    const auto* node = nodes_.if_contains(id);
    return node && node->is_object();
  }

  static std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    return !text.empty() && end.ec == std::errc{} && end.ptr == text.data() + text.size() ? std::optional(value) : std::nullopt;
  }

  static std::optional<std::int64_t> slot_of(const NodeSchema& source, std::string_view output, bool socket_only) {
    const auto& outputs = source.outputs();
    if (socket_only && output.empty()) return outputs.empty() ? std::nullopt : std::optional<std::int64_t>(0);
    const std::string wanted = lower(output);
    for (const bool by_name : {true, false})
      for (std::size_t i = 0; i < outputs.size(); ++i)
        if (lower(by_name ? outputs[i].name : outputs[i].type) == wanted && !wanted.empty()) return static_cast<std::int64_t>(i);
    // "6.5" in a text input is a number, not slot 5 of node 6.
    const auto slot = socket_only ? number(output) : std::nullopt;
    return slot && *slot >= 0 && *slot < static_cast<std::int64_t>(outputs.size()) ? slot : std::nullopt;
  }

  static bool fits(const OutputSpec& output, const InputSpec& input) {
    const json::value received = output.choices.empty() ? json::value(output.type) : json::value(output.choices);
    return types_meet(received, input.old_choices ? json::value(input.choices) : json::value(input.type));
  }

  const json::object& nodes_;
  const SchemaSet& schemas_;
};

}  // namespace

json::object nodes_by_id(const json::value& nodes) {
  if (const auto* object = nodes.if_object()) return *object;
  json::object out;
  for (const auto& value : nodes.as_array()) {
    const auto* node = value.if_object();
    const auto* id = node ? node->if_contains("id") : nullptr;
    if (!id || !(id->is_string() || id->is_number())) throw InvalidInput("workflow: a node of the list has no id");
    const std::string key = python_str(*id);
    if (out.contains(key)) throw InvalidInput(fmt::format("workflow: there are two nodes with the id {}", key));
    json::object body = *node;
    body.stable_erase("id");
    out[key] = std::move(body);
  }
  return out;
}

bool has_text_links(const json::object& nodes, const SchemaSet& schemas) {
  const TextLinks links(nodes, schemas);
  for (const auto& [id, value] : nodes) {
    const auto* node = value.if_object();
    if (!node) continue;
    if (!node->contains("class_type") || node->contains("widgets_values")) return true;
    const auto* inputs = find_object(*node, "inputs");
    const NodeSchema* schema = schemas.find(class_of(*node));
    if (!inputs || !schema) continue;
    for (const auto& [name, given] : *inputs)
      if (given.is_string() && links.link_of(id, schema, name, given.get_string())) return true;
  }
  return false;
}

json::object read_text_links(const json::object& nodes, const SchemaSet& schemas) {
  const TextLinks links(nodes, schemas);
  json::object prompt;
  for (const auto& [id, value] : nodes) {
    const auto* node = value.if_object();
    const std::string node_class = node ? class_of(*node) : "";
    if (node_class.empty()) throw InvalidInput(fmt::format("workflow: node {} has no class_type", std::string_view(id)));
    const NodeSchema* schema = schemas.find(node_class);
    json::object body{{"class_type", node_class}, {"inputs", json::object{}}};
    if (const auto* inputs = find_object(*node, "inputs")) {
      auto& out = body["inputs"].as_object();
      for (const auto& [name, given] : *inputs) {
        auto link = given.is_string() ? links.link_of(id, schema, name, given.get_string()) : std::nullopt;
        if (link) out[name] = std::move(*link);
        else out[name] = given;
      }
    }
    if (const auto* values = schema ? node->if_contains("widgets_values") : nullptr) {
      EditorNode widgets;
      widgets.widgets_values = values;
      auto& out = body["inputs"].as_object();
      for (auto& [name, value] : widget_values(widgets, schema))
        if (!out.contains(name)) out[name] = std::move(value);
    }
    if (const auto title = find_string(*node, "title")) body["_meta"] = json::object{{"title", *title}};
    for (const auto& [key, extra] : *node)
      if (key != "class_type" && key != "type" && key != "inputs" && key != "title" && key != "widgets_values") body[key] = extra;
    prompt[id] = std::move(body);
  }
  return prompt;
}

}  // namespace darkroom
