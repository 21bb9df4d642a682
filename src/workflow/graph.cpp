#include "workflow/graph.hpp"

#include "base/error.hpp"

namespace darkroom {

bool is_link(const json::value& value) {
  const auto* list = value.if_array();
  return list && list->size() == 2 && (*list)[0].is_string() && ((*list)[1].is_int64() || (*list)[1].is_uint64());
}

const GraphInput* GraphNode::find(std::string_view name) const {
  for (const auto& input : inputs)
    if (input.name == name) return &input;
  return nullptr;
}

Graph Graph::from_prompt(const json::object& prompt) {
  Graph graph;
  graph.nodes_.reserve(prompt.size());
  for (const auto& [id, value] : prompt) {
    const auto* node = value.if_object();
    if (!node) throw InvalidInput("prompt: node " + std::string(id) + " is not an object");
    GraphNode out;
    out.id = id;
    out.node_class = string_or(*node, "class_type", "");
    if (const auto* inputs = find_object(*node, "inputs")) {
      out.inputs.reserve(inputs->size());
      for (const auto& [name, given] : *inputs) {
        GraphInput input{std::string(name), json::value()};
        if (is_link(given)) {
          const auto& list = given.get_array();
          input.value = Link{std::string(list[0].get_string()), list[1].to_number<std::int64_t>()};
        } else if (const auto* object = given.if_object(); object && object->contains("__value__")) {
          input.value = object->at("__value__");
        } else {
          input.value = given;
        }
        out.inputs.push_back(std::move(input));
      }
    }
    if (const auto* mark = darkroom::find(*node, "is_changed")) {
      out.is_changed = *mark;
      out.has_is_changed = true;
    }
    graph.index_.emplace(out.id, graph.nodes_.size());
    graph.nodes_.push_back(std::move(out));
  }
  return graph;
}

const GraphNode* Graph::find(std::string_view id) const {
  const auto at = index_of(id);
  return at == npos ? nullptr : &nodes_[at];
}

std::size_t Graph::index_of(std::string_view id) const {
  const auto at = index_.find(std::string(id));
  return at == index_.end() ? npos : at->second;
}

}  // namespace darkroom
