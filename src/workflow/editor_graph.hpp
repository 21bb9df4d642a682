#pragma once
// One graph of an editor's file: its nodes and links, whichever version wrote it. The root, or the definition of a subgraph.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

struct EditorSlot {
  std::string name;
  json::value type;                   ///< a text, or a list of choices in old files
  std::optional<std::int64_t> link;   ///< of an input
  std::string widget;                 ///< name of the widget that this input stands for; empty if none
};

struct EditorNode {
  enum class Mode { kNormal, kMuted, kBypassed };
  std::string id;
  std::string type;  ///< a class, or the id of a subgraph's definition
  std::string title;
  Mode mode = Mode::kNormal;
  std::vector<EditorSlot> inputs, outputs;
  const json::value* widgets_values = nullptr;  ///< into the document; null if none
  /// Of a subgraph's instance: what its widgets show, as (inner node, widget); "-1" for one of its own inputs.
  std::vector<std::pair<std::string, std::string>> proxy_widgets;

  const EditorSlot* input(std::string_view name) const;
};

struct EditorLink {
  std::string origin;
  std::int64_t origin_slot = 0;
  std::string target;
  std::int64_t target_slot = 0;
  json::value type;
};

/// Ids of the two nodes that stand for a subgraph's own inputs and outputs.
inline constexpr std::string_view kSubgraphInput = "-10", kSubgraphOutput = "-20";

struct EditorGraph {
  std::string id;  ///< of a subgraph's definition
  std::vector<EditorNode> nodes;
  std::unordered_map<std::string, std::size_t> index;
  std::unordered_map<std::int64_t, EditorLink> links;
  std::vector<EditorSlot> inputs, outputs;  ///< of a subgraph

  const EditorNode* find(const std::string& id) const;
};

/// Reads one graph. Keeps pointers into `graph`. Throws InvalidInput naming the node or link that is damaged.
EditorGraph read_editor_graph(const json::object& graph);

}  // namespace darkroom
