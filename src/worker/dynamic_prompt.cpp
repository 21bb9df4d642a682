#include "worker/dynamic_prompt.hpp"

#include <algorithm>

#include "workflow/convert_constant.hpp"

namespace darkroom {

void DynamicPrompt::submit(const json::object& prompt) {
  const Graph graph = Graph::from_prompt(prompt);
  index_.reserve(graph.nodes().size());
  for (const auto& given : graph.nodes()) {
    const auto at = static_cast<NodeIndex>(nodes_.size());
    PromptNode& node = nodes_.emplace_back();
    node.given = given;
    node.ids = NodeIds::plain(given.id);
    node.node_class = registry_.find(given.node_class);
    node.real = at;
    index_.emplace(given.id, at);
  }
  for (auto& node : nodes_) resolve(node, {});
  submitted_ = nodes_.size();
}

std::vector<NodeIndex> DynamicPrompt::expand(NodeIndex parent, const Expansion& expansion) {
  const Graph graph = Graph::from_prompt(expansion.graph);
  for (const auto& given : graph.nodes()) {
    if (index_.contains(given.id))
      throw InvalidInput("the node id " + given.id + " of a made graph is taken; ids must be unique and the same in every run");
    if (!registry_.find(given.node_class)) throw InvalidInput("a made graph asks for the class " + given.node_class + ", which does not exist");
  }
  std::vector<NodeIndex> added;
  added.reserve(graph.nodes().size());
  for (const auto& given : graph.nodes()) {
    const auto at = static_cast<NodeIndex>(nodes_.size());
    PromptNode& node = nodes_.emplace_back();
    const PromptNode& from = nodes_[parent];
    node.given = given;
    node.made = expansion.graph.at(given.id);
    node.ids.node = given.id;
    node.ids.display = string_or(node.made.as_object(), "override_display_id", from.ids.display);
    node.ids.real = from.ids.real;
    node.ids.parent = from.ids.node;
    node.node_class = registry_.find(given.node_class);
    node.parent = parent;
    node.real = from.real;
    index_.emplace(given.id, at);
    added.push_back(at);
  }
  for (const NodeIndex at : added) resolve(nodes_[at], expansion.held);
  return added;
}

namespace {

/// A validated FLOAT that is still a text is one that JSON has no number for: "nan", "inf".
void read_float(GraphInput& given) {
  auto* value = std::get_if<json::value>(&given.value);
  if (!value || !value->is_string()) return;
  try {
    json::value number = convert_constant("FLOAT", *value);
    if (!is_finite_json(number)) *value = std::move(number);
  } catch (const ConversionError&) {  // the node says what is wrong
  }
}

/// `{"__held__": k}`: what stands there.
std::optional<Value> held_constant(const GraphInput& given, const std::vector<Value>& held) {
  const auto* constant = held.empty() ? nullptr : given.constant();
  const auto* body = constant ? constant->if_object() : nullptr;
  if (!body || body->size() != 1 || !body->contains("__held__")) return std::nullopt;
  const auto index = static_cast<std::size_t>(int_or(*body, "__held__", -1));
  if (index >= held.size()) throw InvalidInput("a made graph names a value that was not given with it");
  return held[index];
}

}  // namespace

void DynamicPrompt::resolve(PromptNode& node, const std::vector<Value>& held) const {
  const NodeSchema* schema = node.node_class ? &node.node_class->schema : nullptr;
  std::vector<EffectiveInput> live;
  const bool dynamic = schema && has_dynamic_inputs(*schema);
  if (dynamic) {
    live = effective_inputs(*schema, node.given);
    for (const auto& input : live) node.paths.emplace(input.spec.name, input.path);
  }
  node.inputs.reserve(node.given.inputs.size());
  for (auto& given : node.given.inputs) {
    PromptInput input;
    if (const Link* link = given.link()) input.source = find(link->node);
    const InputSpec* spec = schema ? schema->find_input(given.name) : nullptr;
    if (dynamic) {
      const auto at = std::find_if(live.begin(), live.end(), [&](const EffectiveInput& one) { return one.spec.name == given.name; });
      spec = at == live.end() ? nullptr : &at->spec;
    }
    input.held = held_constant(given, held);
    input.declared = spec ? spec->section != Section::kHidden : node.node_class && node.node_class->takes_any_constant && !given.link();
    input.lazy = input.declared && spec && spec->lazy();
    if (input.declared && spec && spec->type == "FLOAT") read_float(given);
    node.inputs.push_back(input);
  }
}

json::object DynamicPrompt::made_nodes() const {
  json::object made;
  for (std::size_t at = submitted_; at < nodes_.size(); ++at) {
    const PromptNode& node = nodes_[at];
    made[node.ids.node] = {{"node", node.made}, {"parent", node.ids.parent ? json::value(*node.ids.parent) : json::value()}, {"display", node.ids.display}, {"real", node.ids.real}};
  }
  return made;
}

NodeIndex DynamicPrompt::find(std::string_view id) const {
  const auto at = index_.find(std::string(id));
  return at == index_.end() ? kNoNode : at->second;
}

}  // namespace darkroom
