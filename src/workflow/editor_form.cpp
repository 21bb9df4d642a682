#include "workflow/editor_form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "workflow/editor_scopes.hpp"
#include "workflow/editor_widgets.hpp"

namespace darkroom {
namespace {

/// Nodes that exist in the editor only.
bool is_virtual(const std::string& type) { return type == "Note" || type == "MarkdownNote" || type == "Reroute" || type == "PrimitiveNode"; }

/// Whole numbers first, ascending, then the rest as they came: the order in which a browser keeps such keys.
void sort_ids(std::vector<std::pair<std::string, json::object>>& nodes) {
  const auto number = [](const std::string& id) {
    std::uint32_t value = 0;
    const auto end = std::from_chars(id.data(), id.data() + id.size(), value);
    return end.ec == std::errc{} && end.ptr == id.data() + id.size() ? static_cast<std::int64_t>(value) : std::int64_t{1} << 40;
  };
  std::stable_sort(nodes.begin(), nodes.end(), [&](const auto& a, const auto& b) { return number(a.first) < number(b.first); });
}

class Converter {
 public:
  Converter(const EditorScopes& scopes, const SchemaSet& schemas) : scopes_(scopes), schemas_(schemas) {}

  json::object run() {
    std::vector<std::pair<std::string, json::object>> nodes;
    for (const auto& scope : scopes_.all())
      for (const auto& node : scope.graph->nodes)
        if (node.mode == EditorNode::Mode::kNormal && !is_virtual(node.type) && !scopes_.is_subgraph(node))
          nodes.emplace_back(scope.prefix + node.id, convert(scope, node));
    sort_ids(nodes);
    json::object prompt;
    for (auto& [id, body] : nodes) prompt[id] = std::move(body);
    return prompt;
  }

 private:
  json::object convert(const EditorScope& scope, const EditorNode& node) const {
    const NodeSchema* schema = schemas_.find(node.type);
    json::object inputs = widget_values(node, schema);
    for (auto& [name, value] : inputs)
      if (value.is_array()) value = json::object{{"__value__", std::move(value)}};  // a list would be taken for a link
    for (const auto& input : node.inputs) {
      if (!input.link) continue;
      const auto source = scopes_.follow(scope, *input.link);
      if (const auto* output = std::get_if<EditorScopes::Output>(&source)) inputs[input.name] = json::array{json::value(output->node), output->slot};
      else if (const auto* value = std::get_if<EditorScopes::Value>(&source)) inputs[input.name] = value->value;
    }
    const std::string title = !node.title.empty() ? node.title : schema ? schema->shown_name() : node.type;
    return {{"inputs", std::move(inputs)}, {"class_type", node.type}, {"_meta", json::object{{"title", title}}}};
  }

  const EditorScopes& scopes_;
  const SchemaSet& schemas_;
};

}  // namespace

json::object read_editor_form(const json::object& document, const SchemaSet& schemas) {
  const EditorGraph root = read_editor_graph(document);
  std::unordered_map<std::string, EditorGraph> definitions;
  if (const auto* section = find_object(document, "definitions"))
    if (const auto* list = find_array(*section, "subgraphs"))
      for (const auto& value : *list) {
        const auto* object = value.if_object();
        if (!object) throw InvalidInput("workflow: a subgraph's definition is no object");
        EditorGraph graph = read_editor_graph(*object);
        const std::string id = graph.id;
        definitions.emplace(id, std::move(graph));
      }
  const EditorScopes scopes(root, definitions);
  json::object prompt = Converter(scopes, schemas).run();
  if (prompt.empty()) throw InvalidInput("workflow: nothing in it can run: every node is muted, bypassed or a note");
  return prompt;
}

}  // namespace darkroom
