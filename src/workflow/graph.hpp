#pragma once
// A prompt in API form (protocol.md §9.1), taken apart once: nodes with constants and links kept apart, in prompt order.
// The validator and the executor both work on this; the JSON as it came stays beside it for queue, history and files.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

struct Link {
  std::string node;
  std::int64_t slot = 0;  ///< negative counts from the end, as in the original
};

/// One given input: a constant (already unwrapped from `__value__`) or a link. Never confused: a wrapped list stays a constant.
struct GraphInput {
  std::string name;
  std::variant<json::value, Link> value;
  const Link* link() const { return std::get_if<Link>(&value); }
  const json::value* constant() const { return std::get_if<json::value>(&value); }
};

struct GraphNode {
  std::string id;
  std::string node_class;
  std::vector<GraphInput> inputs;  ///< prompt order
  json::value is_changed;          ///< a mark that came with the prompt (§7.2); null if none
  bool has_is_changed = false;
  const GraphInput* find(std::string_view name) const;
};

class Graph {
 public:
  /// Reads a validated prompt. Lists of two `[text, integer]` are links, everything else is a constant.
  /// Throws InvalidInput for what validate() would have refused.
  static Graph from_prompt(const json::object& prompt);

  const std::vector<GraphNode>& nodes() const { return nodes_; }
  const GraphNode* find(std::string_view id) const;
  std::size_t index_of(std::string_view id) const;  ///< npos when absent
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

 private:
  std::vector<GraphNode> nodes_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// Is this JSON value a link? (`["4", 0]`)
bool is_link(const json::value& value);

}  // namespace darkroom
