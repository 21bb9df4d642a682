#include "worker/job_run.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include <unordered_set>

#include "base/log.hpp"
#include "base/text.hpp"
#include "worker/signature.hpp"

namespace darkroom {
namespace {

/// How often a job that has nothing to do looks whether its async calls are done.
constexpr auto kAsyncPoll = std::chrono::milliseconds(1);

/// DYNPROMPT: the object itself. Native nodes find what they need in their Context.
struct DynamicPromptObject final : Object {
  std::string describe() const override { return "DynamicPrompt()"; }
  std::size_t bytes() const override { return 0; }
};

bool is_ready(const Outputs& call) { return !call.pending || call.pending->result.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

json::value secret(const json::object& extra_data, const char* key) {
  const auto* value = find(extra_data, key);
  return value ? *value : json::value();
}

}  // namespace

JobRun::JobRun(Executor& executor, const Job& job, const EventSink& sink, const std::atomic<bool>& interrupt)
    : executor_(executor), job_(job), world_(std::make_shared<JobWorld>(executor.settings_, executor.shared_, sink, interrupt)), prompt_(executor.registry_) {
  world_->extra_data = job.extra_data;
  for (const auto& [key, value] : job.secrets) world_->extra_data[key] = value;
  const auto* info = find(world_->extra_data, "extra_pnginfo");
  world_->extra_pnginfo = std::make_shared<const json::value>(info ? *info : json::value());
  const std::string asked = string_or(world_->extra_data, "preview_method", "default");
  const bool known = asked == "none" || asked == "auto" || asked == "latent2rgb" || asked == "taesd";
  world_->preview_method = known ? asked : executor.settings_.preview_method;
}

JobRun::~JobRun() {
  world_->end();
  // Async calls that nobody waits for any more still use their contexts: the executor keeps these until they are done.
  for (const NodeIndex at : waiting_)
    if (auto& unfinished = state(at).unfinished)
      for (auto& one : unfinished->calls)
        if (one.pending) executor_.orphans_.push_back({one.pending, unfinished->contexts});
}

void JobRun::run() {
  tell(JobStarted{now_ms()});
  bool cached_told = false;
  try {
    prepare();
    NodesCached cached;
    cached.timestamp = now_ms();
    for (NodeIndex at = 0; at < prompt_.submitted(); ++at)
      if (executor_.cache_.find(prompt_[at].signature)) cached.nodes.push_back(prompt_[at].ids.node);
    tell(std::move(cached));
    cached_told = true;
    execute();
  } catch (const Interrupted&) {
    const NodeIndex real = current_ == kNoNode ? kNoNode : prompt_[current_].real;
    JobInterrupted event;
    if (real != kNoNode) {
      event.node = prompt_[real].ids.node;
      event.node_type = prompt_[real].class_name();
    }
    event.executed = executed_;
    event.timestamp = now_ms();
    tell(std::move(event));
  } catch (...) {
    if (!cached_told) tell(NodesCached{{}, now_ms()});
    fail(describe_failure(std::current_exception()));
  }
}

void JobRun::prepare() {
  prompt_.submit(job_.prompt);
  states_.resize(prompt_.size());
  if (!executor_.cache_.keeps_nothing()) {
    std::vector<NodeIndex> all(prompt_.size());
    std::iota(all.begin(), all.end(), 0);
    set_marks(prompt_, all, executor_.settings_.folders);
    set_signatures(prompt_, all);
    std::unordered_set<Hash128> signatures;
    signatures.reserve(all.size());
    for (const NodeIndex at : all) signatures.insert(prompt_[at].signature);
    executor_.cache_.begin_prompt(signatures);
  }
  executor_.instances_.begin_prompt(prompt_);
  save_marks();
  order_.emplace(prompt_, [this](NodeIndex at) { return result_of(at) != nullptr; }, [this](NodeIndex at) { on_added(at); });
  for (const auto& id : job_.outputs) {
    const NodeIndex at = prompt_.find(id);
    if (at == kNoNode) throw InvalidInput("the output node " + id + " is not in the prompt");
    order_->add(at);
  }
}

/// PROMPT is the submitted prompt with the marks of this run: so it lands in saved files (§7.2).
void JobRun::save_marks() {
  json::value prompt = job_.prompt;
  for (NodeIndex at = 0; at < prompt_.submitted(); ++at)
    if (const auto& mark = prompt_[at].mark) prompt.as_object()[prompt_[at].ids.node].as_object()["is_changed"] = *mark;
  world_->prompt = std::make_shared<const json::value>(std::move(prompt));
}

void JobRun::execute() {
  while (!order_->empty()) {
    poll_async();
    if (const auto at = order_->next()) {
      current_ = *at;
      arguments_.clear();
      take_up(*at);
      executor_.watch_memory();
    } else if (!waiting_.empty()) {
      wait_async();
    } else {
      return fail_circle();
    }
  }
  tell(JobSucceeded{now_ms()});
}

void JobRun::take_up(NodeIndex at) {
  if (state(at).unfinished) return resume(at);
  if (const ResultPtr result = result_of(at)) return report_cached(at, result);
  const PromptNode& node = prompt_[at];
  tell(NodeStarted{node.ids});
  if (!node.node_class) throw NamedError("KeyError", "'" + node.class_name() + "'");
  arguments_ = collect(at);
  Node& instance = executor_.instances_.get(node);
  if (node.node_class->schema.has_lazy_check() && ask_lazy(at, instance)) return order_->defer(at);
  call(at, instance);
}

void JobRun::report_cached(NodeIndex at, const ResultPtr& result) {
  const PromptNode& node = prompt_[at];
  tell(NodeExecuted{node.ids, result->ui ? json::value(*result->ui) : json::value()});
  tell(NodeFinished{node.ids, true});
  order_->done(at);
  release_sources(at);
  if (state(at).uses == 0) let_go(at);
}

Arguments JobRun::collect(NodeIndex at) {
  static const auto none = std::make_shared<const List>(List(1));
  const PromptNode& node = prompt_[at];
  Arguments arguments;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const GraphInput& given = node.given.inputs[i];
    const auto path = node.paths.find(given.name);
    const auto* target = path == node.paths.end() ? nullptr : &path->second;
    if (const Link* link = given.link()) {
      if (node.inputs[i].source == kNoNode) throw NamedError("KeyError", "'" + link->node + "'");
      Argument argument{given.name, none, target};
      if (order_->is_noted(at, i)) {
        if (const ResultPtr source = result_of(node.inputs[i].source)) {
          const auto count = static_cast<std::int64_t>(source->slots.size());
          const std::int64_t slot = link->slot < 0 ? link->slot + count : link->slot;
          if (slot >= 0 && slot < count) argument.values = source->slots[slot];
        }
      }
      arguments.add(std::move(argument));
    } else if (node.inputs[i].declared) {
      arguments.add({given.name, std::make_shared<const List>(List{Value::from_json(*given.constant())}), target});
    }
  }
  add_hidden(node, arguments);
  return arguments;
}

void JobRun::add_hidden(const PromptNode& node, Arguments& arguments) const {
  const NodeSchema& schema = node.node_class->schema;
  for (const auto& input : schema.inputs()) {
    if (input.section != Section::kHidden) continue;
    Value value;
    if (input.type == "UNIQUE_ID") value = node.ids.node;
    else if (input.type == "PROMPT") value = Value::shared_json(world_->prompt);
    else if (input.type == "EXTRA_PNGINFO") value = Value::shared_json(world_->extra_pnginfo);
    else if (input.type == "DYNPROMPT") value = std::make_shared<const DynamicPromptObject>();
    else if (input.type == "AUTH_TOKEN_COMFY_ORG") value = Value::from_json(secret(world_->extra_data, "auth_token_comfy_org"));
    else if (input.type == "API_KEY_COMFY_ORG") value = Value::from_json(secret(world_->extra_data, "api_key_comfy_org"));
    else continue;  // an unknown kind is not passed
    // The secrets of a failed node must not be read in its error message. V3 classes have no hidden arguments at all.
    const bool is_secret = input.type == "AUTH_TOKEN_COMFY_ORG" || input.type == "API_KEY_COMFY_ORG";
    arguments.add(input.name, std::move(value), schema.form() == Form::kV1 && !is_secret);
  }
}

/// Asks the node which lazy inputs it wants; notes those that it has not got. True when it has to wait for one.
bool JobRun::ask_lazy(NodeIndex at, Node& instance) {
  const PromptNode& node = prompt_[at];
  const bool takes_lists = node.node_class->schema.takes_lists();
  std::vector<std::string> wanted;
  for (std::size_t k = 0; k < arguments_.calls(takes_lists); ++k) {
    if (arguments_.blocker(k, takes_lists)) continue;
    for (auto& name : instance.wants(arguments_.call(k, takes_lists)))
      if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) wanted.push_back(std::move(name));
  }
  std::vector<std::size_t> missing;
  for (const auto& name : wanted) {
    const std::string says = "Node " + node.ids.node + " says it needs input " + name + ", but ";
    const auto given = std::find_if(node.given.inputs.begin(), node.given.inputs.end(), [&](const GraphInput& input) { return input.name == name; });
    if (given == node.given.inputs.end()) throw NamedError("comfy_execution.graph.NodeInputError", says + "there is no input to that node at all");
    const auto position = static_cast<std::size_t>(given - node.given.inputs.begin());
    if (given->link()) {
      if (!order_->is_noted(at, position)) missing.push_back(position);
    } else if (!node.inputs[position].declared) {
      throw NamedError("comfy_execution.graph.NodeInputError", says + "that value is a constant");
    }
  }
  for (const std::size_t position : missing) order_->need(at, position);
  return !missing.empty();
}

void JobRun::call(NodeIndex at, Node& instance) {
  const PromptNode& node = prompt_[at];
  const bool takes_lists = node.node_class->schema.takes_lists();
  if (!node.node_class->takes_any_input)
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (!node.inputs[i].declared && node.given.inputs[i].link())
        throw NamedError("TypeError", node.class_name() + ".go() got an unexpected keyword argument '" + node.given.inputs[i].name + "'");
  auto unfinished = std::make_unique<Unfinished>();
  const std::size_t calls = arguments_.calls(takes_lists);
  unfinished->calls.reserve(calls);
  for (std::size_t k = 0; k < calls; ++k) {
    if (world_->interrupted()) throw Interrupted();
    if (auto outputs = blocked(at, k, takes_lists)) {
      unfinished->calls.push_back(std::move(*outputs));
      continue;
    }
    auto context = std::make_shared<JobContext>(world_, node.ids.node, static_cast<int>(k));
    unfinished->calls.push_back(instance.run(arguments_.call(k, takes_lists), *context));
    if (unfinished->calls.back().pending) unfinished->contexts.push_back(std::move(context));
  }
  settle(at, std::move(unfinished));
}

/// A call that gets a blocker is not made: all its slots become blockers. A message is told once, then it goes on silent.
std::optional<Outputs> JobRun::blocked(NodeIndex at, std::size_t k, bool takes_lists) {
  const Blocker* blocker = arguments_.blocker(k, takes_lists);
  if (!blocker) return std::nullopt;
  if (blocker->message) {
    json::object error = error_data(at);
    error["exception_message"] = "Execution Blocked: " + *blocker->message;
    error["exception_type"] = "ExecutionBlocked";
    error["traceback"] = json::array{};
    error["current_inputs"] = json::array{};
    error["current_outputs"] = json::array{};
    tell(NodeBlocked{std::move(error)});
  }
  Outputs outputs;
  outputs.block = Blocker{};
  return outputs;
}

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
    const auto added = prompt_.expand(at, one.expansion->graph);
    made.insert(made.end(), added.begin(), added.end());
  }
  states_.resize(prompt_.size());
  if (!executor_.cache_.keeps_nothing()) {
    set_marks(prompt_, made, executor_.settings_.folders);
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

JobRun::State& JobRun::state(NodeIndex at) { return states_[at]; }

/// The node's result, of this job or of an earlier one. What the cache has is held from here on: it can't vanish under the job.
ResultPtr JobRun::result_of(NodeIndex at) {
  ResultPtr& result = states_[at].result;
  if (!result && !executor_.cache_.keeps_nothing()) result = executor_.cache_.find(prompt_[at].signature);
  return result;
}

void JobRun::on_added(NodeIndex at) {
  for (const auto& input : prompt_[at].inputs)
    if (input.source != kNoNode) ++state(input.source).uses;
}

void JobRun::release_sources(NodeIndex at) {
  arguments_.clear();
  for (const auto& input : prompt_[at].inputs)
    if (input.source != kNoNode && --state(input.source).uses == 0) let_go(input.source);
}

void JobRun::let_go(NodeIndex at) {
  if (!order_->is_pending(at)) state(at).result.reset();
}

json::object JobRun::error_data(NodeIndex at) const {
  json::object error;
  const NodeIndex real = at == kNoNode ? kNoNode : prompt_[at].real;
  error["node_id"] = real == kNoNode ? "" : prompt_[real].ids.node;
  error["node_type"] = real == kNoNode ? "" : prompt_[real].class_name();
  error["executed"] = json::array(executed_.begin(), executed_.end());
  return error;
}

void JobRun::fail(const Failure& failure) {
  if (failure.out_of_memory) executor_.free(true, false);
  JobFailed event;
  event.timestamp = now_ms();
  event.error = error_data(current_);
  event.error["exception_message"] = failure.message;
  event.error["exception_type"] = failure.type;
  json::array trace;
  if (current_ != kNoNode) trace.push_back(json::value("  node " + prompt_[current_].ids.node + ", in " + prompt_[current_].class_name() + "\n"));
  trace.push_back(json::value(failure.type + ": " + failure.message));
  event.error["traceback"] = std::move(trace);
  event.error["current_inputs"] = arguments_.describe();
  json::array known;
  if (!executor_.cache_.keeps_nothing())
    for (NodeIndex at = 0; at < prompt_.size(); ++at) known.push_back(json::value(prompt_[at].ids.node));
  event.error["current_outputs"] = std::move(known);
  tell(std::move(event));
}

void JobRun::fail_circle() {
  JobFailed event;
  event.timestamp = now_ms();
  const NodeIndex on_circle = order_->find_circle();
  event.error = error_data(on_circle);
  // Where the editor shows it, if that is a node of the prompt.
  if (on_circle != kNoNode)
    if (const NodeIndex shown = prompt_.find(prompt_[on_circle].ids.display); shown != kNoNode && shown < prompt_.submitted()) {
      event.error["node_id"] = prompt_[shown].ids.node;
      event.error["node_type"] = prompt_[shown].class_name();
    }
  event.error["exception_message"] = "Dependency cycle detected";
  event.error["exception_type"] = "graph.DependencyCycleError";
  event.error["traceback"] = json::array{};
  event.error["current_inputs"] = json::array{};
  json::array known;
  if (!executor_.cache_.keeps_nothing())
    for (NodeIndex at = 0; at < prompt_.size(); ++at) known.push_back(json::value(prompt_[at].ids.node));
  event.error["current_outputs"] = std::move(known);
  tell(std::move(event));
}

}  // namespace darkroom
