#include "workflow/editor_scopes.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "workflow/editor_widgets.hpp"
#include "workflow/limits.hpp"
#include "workflow/types_meet.hpp"

namespace darkroom {
namespace {

/// Limit: reroutes and subgraph borders on one link. Beyond: the file is refused as a circle. Fixed: only a circle has so many. Edge:
/// EditorForm.DamageIsNamed.
constexpr int kMaxHops = 10'000;

/// The input whose link takes the place of a bypassed node's output: the one at the same place if its type fits, else the first of
/// the same type, else the first that fits.
const EditorSlot* bypass_of(const EditorNode& node, const EditorLink& link) {
  const auto slot = static_cast<std::size_t>(link.origin_slot);
  const json::value& type = slot < node.outputs.size() && !node.outputs[slot].type.is_null() ? node.outputs[slot].type : link.type;
  if (slot < node.inputs.size() && types_meet(node.inputs[slot].type, type)) return &node.inputs[slot];
  for (const auto& input : node.inputs)
    if (python_equal(input.type, type)) return &input;
  for (const auto& input : node.inputs)
    if (types_meet(input.type, type)) return &input;
  return nullptr;
}

}  // namespace

EditorScopes::EditorScopes(const EditorGraph& root, const std::unordered_map<std::string, EditorGraph>& definitions) : definitions_(definitions) {
  unfold(scopes_.emplace_back(EditorScope{&root, "", nullptr, nullptr}), 0);
}

void EditorScopes::unfold(const EditorScope& scope, std::size_t depth) {
  if (depth > limits::kMaxSubgraphNesting) throw TooLarge(fmt::format("workflow: subgraphs nested deeper than {}", limits::kMaxSubgraphNesting));
  nodes_ += scope.graph->nodes.size();
  if (nodes_ > limits::kMaxNodes) throw TooLarge(fmt::format("workflow: more than {} nodes with all subgraphs unfolded", limits::kMaxNodes));
  for (const auto& node : scope.graph->nodes) {
    if (node.mode != EditorNode::Mode::kNormal) continue;
    const auto definition = definitions_.find(node.type);
    if (definition == definitions_.end()) continue;
    const EditorScope& child = scopes_.emplace_back(EditorScope{&definition->second, scope.prefix + node.id + ":", &scope, &node});
    children_[{&scope, &node}] = &child;
    unfold(child, depth + 1);
  }
}

EditorScopes::Source EditorScopes::follow(const EditorScope& start, std::int64_t first) const {
  Place place{&start, first};
  for (int hop = 0; hop < kMaxHops; ++hop) {
    if (!place.link) return Nothing{};
    const auto at = place.scope->graph->links.find(*place.link);
    if (at == place.scope->graph->links.end()) return Nothing{};
    const EditorLink& link = at->second;
    if (link.origin == kSubgraphInput && place.scope->parent) {
      Place next{nullptr, std::nullopt};
      Source source = from_outside(*place.scope, link, next);
      if (!next.scope) return source;
      place = next;
      continue;
    }
    const EditorNode* node = place.scope->graph->find(link.origin);
    if (!node || node->mode == EditorNode::Mode::kMuted) return Nothing{};
    if (node->mode == EditorNode::Mode::kNormal) {
      if (node->type == "PrimitiveNode") {
        const auto* values = node->widgets_values ? node->widgets_values->if_array() : nullptr;
        return values && !values->empty() ? Source(Value{values->front()}) : Source(Nothing{});
      }
      if (node->type != "Reroute" && !is_subgraph(*node)) return Output{place.scope->prefix + node->id, link.origin_slot};
    }
    place = through_node(*place.scope, *node, link);
  }
  throw InvalidInput("workflow: reroutes are linked in a circle");
}

/// Into a subgraph's instance, or past a reroute or a bypassed node.
EditorScopes::Place EditorScopes::through_node(const EditorScope& scope, const EditorNode& node, const EditorLink& link) const {
  if (node.mode == EditorNode::Mode::kBypassed) {
    const EditorSlot* input = bypass_of(node, link);
    return {&scope, input ? input->link : std::nullopt};
  }
  if (node.type == "Reroute") return {&scope, node.inputs.empty() ? std::nullopt : node.inputs.front().link};
  const EditorScope& inside = *children_.at({&scope, &node});
  for (const auto& [id, inner] : inside.graph->links)
    if (inner.target == kSubgraphOutput && inner.target_slot == link.origin_slot) return {&inside, id};
  return {&inside, std::nullopt};
}

/// A link from a subgraph's own input goes on at the instance's input of that name (an instance may list only some of them).
/// Is that one not linked, the value is that of the instance's widget, if it shows one.
EditorScopes::Source EditorScopes::from_outside(const EditorScope& scope, const EditorLink& link, Place& next) const {
  const auto slot = static_cast<std::size_t>(link.origin_slot);
  if (slot >= scope.graph->inputs.size()) return Nothing{};
  const std::string& name = scope.graph->inputs[slot].name;
  const EditorSlot* outer = scope.instance->input(name);
  if (outer && outer->link) {
    next = {scope.parent, outer->link};
    return Nothing{};
  }
  if (auto value = instance_widget(*scope.instance, name)) return Value{std::move(*value)};
  return Nothing{};
}

}  // namespace darkroom
