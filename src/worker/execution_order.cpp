#include "worker/execution_order.hpp"

#include <algorithm>

namespace darkroom {

ExecutionOrder::ExecutionOrder(const DynamicPrompt& prompt, std::function<bool(NodeIndex)> has_result, std::function<void(NodeIndex)> added)
    : prompt_(prompt), has_result_(std::move(has_result)), added_(std::move(added)) {
  states_.resize(prompt.size());
}

ExecutionOrder::State& ExecutionOrder::state(NodeIndex node) {
  if (node >= states_.size()) states_.resize(prompt_.size());
  return states_[node];
}

ExecutionOrder::Rank ExecutionOrder::rank(NodeIndex node) const {
  if (prompt_[node].starts_early()) return kStartsEarly;
  const State& state = states_[node];
  return state.feeds_output ? kFeedsOutput : state.feeds_feeder ? kFeedsFeeder : kOther;
}

void ExecutionOrder::insert_ready(NodeIndex node) { ready_.emplace(rank(node), states_[node].since); }
void ExecutionOrder::erase_ready(NodeIndex node) { ready_.erase(Ready(rank(node), states_[node].since)); }

void ExecutionOrder::add(NodeIndex node) {
  // Of several inputs the last one's branch is taken off the stack first: that is the order clients know.
  std::vector<NodeIndex> stack{node}, fresh;
  while (!stack.empty()) {
    const NodeIndex at = stack.back();
    stack.pop_back();
    if (state(at).pending) continue;
    {
      State& one = state(at);  // its waiters are noted already: done() left it clean, note() came before
      one.pending = true;
      one.since = by_place_.size();
      one.noted.assign(prompt_[at].inputs.size(), false);
    }
    by_place_.push_back(at);
    ++pending_count_;
    fresh.push_back(at);
    added_(at);
    const bool cached = has_result_(at);
    const auto& inputs = prompt_[at].inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].source == kNoNode || inputs[i].lazy || cached) continue;
      state(at).noted[i] = true;
      if (has_result_(inputs[i].source)) continue;
      note(inputs[i].source, at);
      stack.push_back(inputs[i].source);
    }
  }
  for (const NodeIndex at : fresh)
    if (is_ready(states_[at])) insert_ready(at);
}

void ExecutionOrder::need(NodeIndex node, std::size_t position) {
  const NodeIndex source = prompt_[node].inputs[position].source;
  states_[node].noted[position] = true;
  if (source == kNoNode || has_result_(source)) return;
  wait_for(node, source);
}

void ExecutionOrder::wait_for(NodeIndex node, NodeIndex other) {
  state(other);
  note(other, node);
  add(other);
}

bool ExecutionOrder::is_noted(NodeIndex node, std::size_t position) const {
  const auto& noted = states_[node].noted;
  return position < noted.size() && noted[position];
}

void ExecutionOrder::note(NodeIndex source, NodeIndex node) {
  state(source).waiters.push_back(node);
  State& to = states_[node];
  if (is_ready(to)) erase_ready(node);
  ++to.waits;
  to.waits_for.push_back(source);
  if (prompt_[node].is_output()) raise(source, true);
  else if (to.feeds_output) raise(source, false);
}

void ExecutionOrder::raise(NodeIndex node, bool feeds_output) {
  State& one = states_[node];
  if (feeds_output ? one.feeds_output : one.feeds_feeder) return;
  const bool ready = is_ready(one);
  if (ready) erase_ready(node);
  (feeds_output ? one.feeds_output : one.feeds_feeder) = true;
  if (ready) insert_ready(node);
  if (feeds_output)
    for (const NodeIndex source : one.waits_for) raise(source, false);
}

void ExecutionOrder::hold(NodeIndex node) {
  State& one = states_[node];
  if (is_ready(one)) erase_ready(node);
  one.held = true;
}

void ExecutionOrder::release(NodeIndex node) {
  State& one = states_[node];
  if (!one.held) return;
  one.held = false;
  if (is_ready(one)) insert_ready(node);
}

std::optional<NodeIndex> ExecutionOrder::next() {
  if (ready_.empty()) return std::nullopt;
  const NodeIndex node = by_place_[ready_.begin()->second];
  ready_.erase(ready_.begin());
  states_[node].taken = true;
  return node;
}

void ExecutionOrder::defer(NodeIndex node) {
  State& one = states_[node];
  one.taken = false;
  if (is_ready(one)) insert_ready(node);
}

void ExecutionOrder::done(NodeIndex node) {
  State& one = states_[node];
  if (!one.pending) return;
  if (is_ready(one)) erase_ready(node);
  --pending_count_;
  const auto waiters = std::move(one.waiters);
  one = State{};
  for (const NodeIndex waiter : waiters) {
    State& other = states_[waiter];
    if (--other.waits == 0 && is_ready(other)) insert_ready(waiter);
  }
}

NodeIndex ExecutionOrder::find_circle() const {
  for (NodeIndex start = 0; start < states_.size(); ++start) {
    if (!states_[start].pending) continue;
    // Every pending node waits for a pending one here, so a walk along these must come back to a node of its own way.
    std::vector<bool> seen(states_.size(), false);
    NodeIndex at = start;
    while (!seen[at]) {
      seen[at] = true;
      const auto& sources = states_[at].waits_for;
      const auto next = std::find_if(sources.begin(), sources.end(), [&](NodeIndex source) { return states_[source].pending; });
      if (next == sources.end()) return at;
      at = *next;
    }
    return at;
  }
  return kNoNode;
}

}  // namespace darkroom
