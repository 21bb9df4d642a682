#pragma once
// Which node runs next (protocol.md §6.2). Only order is decided here: no values, no messages.
//
// A node is pending from the time it is added until it is done. A link that a pending node waits for is noted once; a lazy
// link only when the node asks for it. Among the nodes that wait for nothing the best rank goes first, then the one that
// became pending first. Every step costs O(log n).

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "worker/dynamic_prompt.hpp"

namespace darkroom {

class ExecutionOrder {
 public:
  /// `has_result`: is there a result of this node already, so that nobody needs to wait for it?
  /// `added`: called for each node that becomes pending.
  ExecutionOrder(const DynamicPrompt& prompt, std::function<bool(NodeIndex)> has_result, std::function<void(NodeIndex)> added);

  /// Makes a node pending, with everything that it needs and that has no result.
  void add(NodeIndex node);
  /// `node` asks for its input at `position`, a link: it waits for the source if that has no result.
  void need(NodeIndex node, std::size_t position);
  /// `node` turned into a graph and waits for one of its nodes.
  void wait_for(NodeIndex node, NodeIndex other);
  /// Is the value of this input known to the node: a constant, or a link that was noted?
  bool is_noted(NodeIndex node, std::size_t position) const;

  /// A node whose async call is under way is not chosen until it is released.
  void hold(NodeIndex node);
  void release(NodeIndex node);

  /// The node to take up now; it stays pending until done() or defer(). Nothing when none is ready.
  std::optional<NodeIndex> next();
  /// The node taken up goes back to where it was: it waits for more now.
  void defer(NodeIndex node);
  void done(NodeIndex node);

  bool empty() const { return pending_count_ == 0; }
  bool is_pending(NodeIndex node) const { return node < states_.size() && states_[node].pending; }
  /// A node on a circle of waiting nodes, when nothing is ready and nothing is held.
  NodeIndex find_circle() const;

 private:
  enum Rank : std::uint8_t { kStartsEarly, kFeedsOutput, kFeedsFeeder, kOther };
  struct State {
    bool pending = false, held = false, taken = false;
    bool feeds_output = false, feeds_feeder = false;
    std::uint64_t since = 0;           ///< place in the pending order
    std::uint32_t waits = 0;           ///< noted links and graphs that are not done
    std::vector<NodeIndex> waiters;    ///< who waits for it, once for each link
    std::vector<NodeIndex> waits_for;  ///< the other direction, done ones too
    std::vector<bool> noted;           ///< by position of the input
  };
  using Ready = std::pair<std::uint8_t, std::uint64_t>;

  State& state(NodeIndex node);
  Rank rank(NodeIndex node) const;
  void note(NodeIndex source, NodeIndex node);
  void raise(NodeIndex node, bool feeds_output);
  bool is_ready(const State& state) const { return state.pending && !state.held && !state.taken && state.waits == 0; }
  void insert_ready(NodeIndex node);
  void erase_ready(NodeIndex node);

  const DynamicPrompt& prompt_;
  std::function<bool(NodeIndex)> has_result_;
  std::function<void(NodeIndex)> added_;
  std::vector<State> states_;
  std::vector<NodeIndex> by_place_;  ///< place in the pending order → node
  std::set<Ready> ready_;
  std::size_t pending_count_ = 0;
};

}  // namespace darkroom
