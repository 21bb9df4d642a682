// From a node's calls to its result: async calls are waited for, a graph that it turned into is run, then it is put together.

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.hpp"
#include "worker/job_run.hpp"
#include "worker/signature.hpp"

namespace darkroom {
namespace {

/// How often a job that has nothing to do looks whether its async calls are done.
constexpr auto kAsyncPoll = std::chrono::milliseconds(1);

bool is_ready(const Outputs& call) { return !call.pending || call.pending->result.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

}  // namespace

void JobRun::settle(NodeIndex at, std::unique_ptr<Unfinished> unfinished) {
  if (!std::all_of(unfinished->calls.begin(), unfinished->calls.end(), is_ready)) {
    state(at).unfinished = std::move(unfinished);
    waiting_.push_back(at);
    order_->hold(at);
    return order_->defer(at);
  }
  for (auto& one : unfinished->calls) {
    if (!one.pending) continue;
    const auto pending = std::move(one.pending);
    one = pending->result.get();
    if (one.pending) throw InternalError("an async call gave another async call");
  }
  unfinished->contexts.clear();
  const bool grows = std::any_of(unfinished->calls.begin(), unfinished->calls.end(), [](const Outputs& one) { return one.expansion.has_value(); });
  if (grows) return expand(at, std::move(unfinished));
  if (const auto ui = merge_ui(unfinished->calls)) tell(NodeExecuted{prompt_[at].ids, *ui});
  finish(at, *unfinished);
}

void JobRun::resume(NodeIndex at) {
  auto unfinished = std::move(state(at).unfinished);
  if (unfinished->expanded) finish(at, *unfinished);
  else settle(at, std::move(unfinished));
}

void JobRun::expand(NodeIndex at, std::unique_ptr<Unfinished> unfinished) {
  if (const auto ui = merge_ui(unfinished->calls)) tell(NodeExecuted{prompt_[at].ids, *ui});
  unfinished->expanded = true;
  std::vector<NodeIndex> made;
  for (const auto& one : unfinished->calls) {
    if (!one.expansion) continue;
    const auto added = prompt_.expand(at, *one.expansion);
    made.insert(made.end(), added.begin(), added.end());
  }
  states_.resize(prompt_.size());
  if (!executor_.cache_.keeps_nothing()) {
    set_marks(prompt_, made, world_->folders);
    set_signatures(prompt_, made, prompt_[at].signature);
  }
  for (const auto& one : unfinished->calls)
    for (const auto& value : one.values)
      if (const auto link = value.object<LinkValue>()) {
        const NodeIndex source = prompt_.find(link->node);
        if (source == kNoNode) throw NamedError("KeyError", "'" + link->node + "'");
        unfinished->sources.push_back(source);
        ++state(source).uses;
      }
  const auto sources = unfinished->sources;
  state(at).unfinished = std::move(unfinished);
  for (const NodeIndex node : made)
    if (prompt_[node].is_output()) order_->wait_for(at, node);
  for (const NodeIndex source : sources)
    if (!result_of(source)) order_->wait_for(at, source);
  order_->defer(at);
}

/// The node's calls and its graph are done: its result is put together, kept and reported.
void JobRun::finish(NodeIndex at, const Unfinished& unfinished) {
  const PromptNode& node = prompt_[at];
  const NodeSchema& schema = node.node_class->schema;
  std::vector<CallSlots> calls;
  calls.reserve(unfinished.calls.size());
  for (const auto& one : unfinished.calls) {
    CallSlots slots = slots_of(one, schema);
    for (auto& slot : slots) {
      const auto link = slot.value.object<LinkValue>();
      if (!link) continue;
      slot.linked = std::make_shared<const List>(List(1));
      const NodeIndex source_node = prompt_.find(link->node);
      const ResultPtr source = source_node == kNoNode ? nullptr : result_of(source_node);
      const auto count = source ? static_cast<std::int64_t>(source->slots.size()) : 0;
      const std::int64_t position = link->slot < 0 ? link->slot + count : link->slot;
      if (position >= 0 && position < count) slot.linked = source->slots[position];
    }
    calls.push_back(std::move(slots));
  }
  auto result = std::make_shared<const NodeResult>(make_result(merge_slots(calls, schema), merge_ui(unfinished.calls)));
  executor_.cache_.put(node.signature, prompt_[node.real].signature, result);
  state(at).result = std::move(result);
  tell(NodeFinished{node.ids});
  executed_.push_back(node.ids.node);
  order_->done(at);
  for (const NodeIndex source : unfinished.sources)
    if (--state(source).uses == 0) let_go(source);
  release_sources(at);
  if (state(at).uses == 0) let_go(at);
}

bool JobRun::poll_async() {
  bool released = false;
  std::erase_if(waiting_, [&](NodeIndex at) {
    const auto& calls = state(at).unfinished->calls;
    if (!std::all_of(calls.begin(), calls.end(), is_ready)) return false;
    order_->release(at);
    return released = true;
  });
  return released;
}

void JobRun::wait_async() {
  while (!poll_async()) {
    current_ = waiting_.front();
    if (world_->interrupted()) throw Interrupted();
    std::this_thread::sleep_for(kAsyncPoll);
  }
}

}  // namespace darkroom
