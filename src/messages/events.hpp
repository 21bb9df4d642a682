#pragma once
// What a worker says of a running job, one struct each. The gateway makes WebSocket messages, progress and history of them;
// the same records will travel over Redis. Sizes do not depend on the size of the graph.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

/// The four names of a node (protocol.md §8.2).
struct NodeIds {
  std::string node, display, real;
  std::optional<std::string> parent;
  static NodeIds plain(std::string id) { return {id, id, id, std::nullopt}; }
};

/// Execution begins: `execution_start`. `precision`: of the worker's networks, "fp32", "bf16" or "fp16"; goes into the history.
struct JobStarted { std::int64_t timestamp = 0; std::string precision; };
/// Nodes whose result is in the cache, prompt order: `execution_cached`. Always sent.
struct NodesCached { std::vector<std::string> nodes; std::int64_t timestamp = 0; };
/// A node is taken up: `progress_state` (0.0 of 1.0, running), then `executing`. Again after lazy inputs.
struct NodeStarted { NodeIds ids; };
/// A step: `progress_state`, [preview 4], `progress`, [preview 1]. V3's set_progress sends no `progress`.
struct NodeProgress {
  std::string node;
  json::value value, max;
  bool message = true;
  std::string format;   ///< of the preview: "JPEG" or "PNG"; "" for none
  std::string picture;  ///< encoded preview (travels as bytes)
};
/// ui data of an output node, or of a cached one reported again: `executed`. `output` is null for a cached node without ui.
struct NodeExecuted { NodeIds ids; json::value output; };
/// `progress_state` finished; `cached`: a node that was never started is shown as 1 of 1.
struct NodeFinished { NodeIds ids; bool cached = false; };
/// Binary message 3, a text at a node, to the owner.
struct TextSent { std::string node, text; };
/// A node's own message (send_sync): to the owner, to `sid`, or to all.
struct MessageSent { std::string type; json::value data; bool to_all = false; std::string sid; };
struct BinarySent { std::uint32_t event = 0; std::string bytes; bool to_all = false; std::string sid; };
/// A blocker's message met its first node (§6.11): an `execution_error` that ends nothing and is not in the history.
struct NodeBlocked { json::object error; };
/// The end. `error` is the data of `execution_error` (§6.7) without `prompt_id`.
struct JobSucceeded { std::int64_t timestamp = 0; };
struct JobFailed { json::object error; std::int64_t timestamp = 0; };
/// `execution_interrupted`.
struct JobInterrupted { std::string node, node_type; std::vector<std::string> executed; std::int64_t timestamp = 0; };

using JobEvent = std::variant<JobStarted, NodesCached, NodeStarted, NodeProgress, NodeExecuted, NodeFinished, TextSent, MessageSent,
                              BinarySent, NodeBlocked, JobSucceeded, JobFailed, JobInterrupted>;

}  // namespace darkroom
