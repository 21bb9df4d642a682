#include "workflow/editor_graph.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

/// Ids are numbers in most files and texts in some.
std::string id_of(const json::value& value) {
  if (!value.is_string() && !value.is_int64() && !value.is_uint64()) throw InvalidInput("workflow: the id of a node is neither a number nor a text");
  return python_str(value);
}

std::int64_t whole(const json::value* value, std::int64_t fallback) {
  if (!value || !value->is_number()) return fallback;
  return value->is_double() ? static_cast<std::int64_t>(value->get_double()) : int_or({{"v", *value}}, "v", fallback);
}

std::vector<EditorSlot> read_slots(const json::object& owner, std::string_view key) {
  std::vector<EditorSlot> slots;
  const auto* list = darkroom::find_array(owner, key);
  if (!list) return slots;
  for (const auto& item : *list) {
    EditorSlot slot;
    if (const auto* object = item.if_object()) {
      slot.name = string_or(*object, "name", "");
      if (const auto* type = object->if_contains("type")) slot.type = *type;
      if (const auto* link = object->if_contains("link"); link && link->is_number()) slot.link = whole(link, 0);
      if (const auto* widget = darkroom::find_object(*object, "widget")) slot.widget = string_or(*widget, "name", "");
    }
    slots.push_back(std::move(slot));
  }
  return slots;
}

EditorNode read_node(const json::value& value) {
  const auto* object = value.if_object();
  const auto* id = object ? object->if_contains("id") : nullptr;
  if (!id) throw InvalidInput("workflow: a node has no id");
  EditorNode node;
  node.id = id_of(*id);
  node.type = string_or(*object, "type", "");
  if (node.type.empty()) throw InvalidInput(fmt::format("workflow: node {} has no type", node.id));
  node.title = string_or(*object, "title", "");
  const auto mode = int_or(*object, "mode", 0);
  node.mode = mode == 2 ? EditorNode::Mode::kMuted : mode == 4 ? EditorNode::Mode::kBypassed : EditorNode::Mode::kNormal;
  node.inputs = read_slots(*object, "inputs");
  node.outputs = read_slots(*object, "outputs");
  node.widgets_values = object->if_contains("widgets_values");
  if (const auto* properties = darkroom::find_object(*object, "properties"))
    if (const auto* proxies = darkroom::find_array(*properties, "proxyWidgets"))
      for (const auto& value_pair : *proxies) {
        const auto* pair = value_pair.if_array();
        const bool whole_pair = pair && pair->size() >= 2;
        node.proxy_widgets.emplace_back(whole_pair ? python_str((*pair)[0]) : "", whole_pair ? python_str((*pair)[1]) : "");
      }
  return node;
}

/// `[id, from, slot, to, slot, type]` of version 0.4, or `{"id","origin_id",…}` of version 1.
std::pair<std::int64_t, EditorLink> read_link(const json::value& value) {
  const auto field = [&](std::size_t at, std::string_view key) -> const json::value* {
    if (const auto* list = value.if_array()) return at < list->size() ? &(*list)[at] : nullptr;
    const auto* object = value.if_object();
    return object ? object->if_contains(key) : nullptr;
  };
  const auto* id = field(0, "id");
  const auto* origin = field(1, "origin_id");
  const auto* target = field(3, "target_id");
  if (!id || !id->is_number() || !origin || !target) throw InvalidInput(fmt::format("workflow: damaged link {}", dump(value).substr(0, 120)));
  EditorLink link{id_of(*origin), whole(field(2, "origin_slot"), 0), id_of(*target), whole(field(4, "target_slot"), 0), nullptr};
  if (const auto* type = field(5, "type")) link.type = *type;
  return {whole(id, 0), std::move(link)};
}

}  // namespace

const EditorSlot* EditorNode::input(std::string_view name) const {
  for (const auto& slot : inputs)
    if (slot.name == name) return &slot;
  return nullptr;
}

const EditorNode* EditorGraph::find(const std::string& node) const {
  const auto at = index.find(node);
  return at == index.end() ? nullptr : &nodes[at->second];
}

EditorGraph read_editor_graph(const json::object& document) {
  EditorGraph graph;
  graph.id = string_or(document, "id", "");
  if (const auto* nodes = darkroom::find_array(document, "nodes"))
    for (const auto& value : *nodes) {
      EditorNode node = read_node(value);
      if (!graph.index.emplace(node.id, graph.nodes.size()).second) throw InvalidInput(fmt::format("workflow: there are two nodes with the id {}", node.id));
      graph.nodes.push_back(std::move(node));
    }
  if (const auto* links = darkroom::find_array(document, "links"))
    for (const auto& value : *links)
      if (!value.is_null()) graph.links.insert(read_link(value));
  graph.inputs = read_slots(document, "inputs");
  graph.outputs = read_slots(document, "outputs");
  return graph;
}

}  // namespace darkroom
