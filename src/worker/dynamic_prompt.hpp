#pragma once
// The nodes of a running prompt: those that were submitted and those that nodes turned into (protocol.md §6.10, §8.2).
// Nodes are told apart by an index, links are resolved once, and nothing here runs anything.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"
#include "messages/events.hpp"
#include "worker/node.hpp"
#include "workflow/dynamic_inputs.hpp"
#include "workflow/graph.hpp"

namespace darkroom {

using NodeIndex = std::uint32_t;
constexpr NodeIndex kNoNode = static_cast<NodeIndex>(-1);

/// One given input of a node, with what the schema says of it.
struct PromptInput {
  NodeIndex source = kNoNode;  ///< the node that a link comes from; kNoNode for a constant or a link to nowhere
  bool declared = false;
  bool lazy = false;
  std::optional<Value> held;   ///< a constant that is no JSON
};

struct PromptNode {
  GraphNode given;
  NodeIds ids;
  NodeClassPtr node_class;                ///< null when no such class is registered
  std::vector<PromptInput> inputs;        ///< parallel to given.inputs
  ArgumentPaths paths;                    ///< where values of dotted inputs go; empty for a class without growing inputs
  NodeIndex parent = kNoNode;             ///< the node that turned into it
  NodeIndex real = kNoNode;               ///< the submitted node that it grew from; itself for a submitted one
  Hash128 signature;
  std::optional<json::value> mark;        ///< its fingerprint, in a list as it is saved (§7.2)
  json::value made;                       ///< as its graph gives it; null for a submitted one

  bool is_output() const { return node_class && node_class->schema.is_output_node(); }
  bool starts_early() const { return node_class && (node_class->schema.is_output_node() || node_class->is_async); }
  const std::string& class_name() const { return given.node_class; }
};

class DynamicPrompt {
 public:
  explicit DynamicPrompt(const Registry& registry) : registry_(registry) {}

  /// Takes the submitted prompt; throws InvalidInput for what no validator lets pass.
  void submit(const json::object& prompt);
  /// Adds the graph that `parent` turned into; returns its nodes in the graph's order.
  /// Throws InvalidInput for an id that is taken or a class that isn't there; then nothing was added.
  std::vector<NodeIndex> expand(NodeIndex parent, const Expansion& expansion);

  PromptNode& operator[](NodeIndex node) { return nodes_[node]; }
  const PromptNode& operator[](NodeIndex node) const { return nodes_[node]; }
  NodeIndex find(std::string_view id) const;
  json::object made_nodes() const;  ///< as Context has them
  std::size_t size() const { return nodes_.size(); }
  std::size_t submitted() const { return submitted_; }

 private:
  void resolve(PromptNode& node, const std::vector<Value>& held) const;

  const Registry& registry_;
  std::deque<PromptNode> nodes_;  ///< addresses stay when a graph grows
  std::unordered_map<std::string, NodeIndex> index_;
  std::size_t submitted_ = 0;
};

}  // namespace darkroom
