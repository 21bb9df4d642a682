#pragma once
// Subgraphs unfolded: a scope is one use of a graph, and links are followed across scopes, reroutes and bypassed nodes to the
// node that really gives the value.

#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <variant>

#include "workflow/editor_graph.hpp"

namespace darkroom {

/// The root graph, or one instance of a subgraph. Its nodes get the ids `prefix` + own id.
struct EditorScope {
  const EditorGraph* graph = nullptr;
  std::string prefix;                    ///< "", "12:", "12:3:"
  const EditorScope* parent = nullptr;
  const EditorNode* instance = nullptr;  ///< the node in `parent` that stands for this scope
};

class EditorScopes {
 public:
  /// Unfolds every instance that is neither muted nor bypassed. Throws TooLarge past the limits of nodes and nesting.
  EditorScopes(const EditorGraph& root, const std::unordered_map<std::string, EditorGraph>& definitions);

  /// Root first, then the instances, outer before inner.
  const std::deque<EditorScope>& all() const { return scopes_; }
  bool is_subgraph(const EditorNode& node) const { return definitions_.contains(node.type); }

  struct Nothing {};                                     ///< leads nowhere, or to a muted node
  struct Output { std::string node; std::int64_t slot; };  ///< an output slot; the id is unfolded
  struct Value { json::value value; };                   ///< of a PrimitiveNode, or of a widget that a subgraph shows outside
  using Source = std::variant<Nothing, Output, Value>;

  /// Where the link of an input comes from. Throws InvalidInput when reroutes form a circle.
  Source follow(const EditorScope& scope, std::int64_t link) const;

 private:
  struct Place {
    const EditorScope* scope;
    std::optional<std::int64_t> link;
  };
  void unfold(const EditorScope& scope, std::size_t depth);
  Place through_node(const EditorScope& scope, const EditorNode& node, const EditorLink& link) const;
  Source from_outside(const EditorScope& scope, const EditorLink& link, Place& next) const;

  const std::unordered_map<std::string, EditorGraph>& definitions_;
  std::deque<EditorScope> scopes_;
  std::map<std::pair<const EditorScope*, const EditorNode*>, const EditorScope*> children_;
  std::size_t nodes_ = 0;
};

}  // namespace darkroom
