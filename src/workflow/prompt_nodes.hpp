#pragma once
// A prompt as validation walks it: its nodes with their classes, and the tests of the whole prompt (protocol.md §5.1).

#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "workflow/schema.hpp"

namespace darkroom {

/// What the walk needs of a class, worked out once.
struct ClassPlan {
  const NodeSchema* schema = nullptr;
  bool dynamic = false;
  std::vector<const InputSpec*> inputs;  ///< required, then optional
};

/// One node and how far its validation is: unseen → open (on the way down) → done.
struct PromptNode {
  enum class State { kUnseen, kOpen, kDone };
  std::string_view id;
  json::object* body = nullptr;
  const ClassPlan* plan = nullptr;
  State state = State::kUnseen;
  bool valid = true;
  bool on_reported_cycle = false;
  json::array errors;
};

class PromptNodes {
 public:
  /// Both are kept by reference; `prompt` may change in its values, not in its nodes.
  PromptNodes(json::object& prompt, const SchemaSet& schemas) : prompt_(prompt), schemas_(schemas) {}

  /// Fills `nodes` and `index` in prompt order. The first fault ends it and is the `error` of the reply.
  std::optional<json::object> read();

  std::vector<PromptNode> nodes;
  std::unordered_map<std::string_view, std::size_t> index;

 private:
  std::optional<json::object> read_node(std::string_view id, json::value& value);
  const ClassPlan& plan_of(const NodeSchema& schema);

  json::object& prompt_;
  const SchemaSet& schemas_;
  std::unordered_map<const NodeSchema*, ClassPlan> plans_;
};

}  // namespace darkroom
