// The course of a job: what runs next, and which results are held for whom.

#include "worker/job_run.hpp"

#include <numeric>
#include <string_view>
#include <unordered_set>

#include "base/text.hpp"
#include "worker/signature.hpp"

namespace darkroom {
namespace {

/// In what a prompt's networks compute; empty when it has none. What is recorded of a prompt without one is ComfyUI's to the letter.
std::string_view precision_of(const json::object& prompt, const Registry& registry, const Device& device) {
  for (const auto& [id, value] : prompt) {
    const auto* node = value.if_object();
    const auto* class_type = node ? find(*node, "class_type") : nullptr;
    const NodeClassPtr node_class = class_type && class_type->is_string() ? registry.find(class_type->get_string()) : nullptr;
    if (node_class && node_class->makes_network) return name_of(device.precision);
  }
  return {};
}

}  // namespace

JobRun::JobRun(Executor& executor, const Job& job, const EventSink& sink, const std::atomic<bool>& interrupt)
    : executor_(executor), job_(job), world_(std::make_shared<JobWorld>(executor.settings_, executor.settings_.folders.of_user(job.owner), executor.shared_, sink, interrupt)), prompt_(executor.registry_) {
  world_->extra_data = job.extra_data;
  for (const auto& [key, value] : job.secrets) world_->extra_data[key] = value;
  const auto* info = find(world_->extra_data, "extra_pnginfo");
  json::value texts = info ? *info : json::value();
  // What is saved says which picture it is: with fp32 ComfyUI's, else a close one.
  precision_ = precision_of(job.prompt, executor.registry_, world_->settings.device);
  if (!precision_.empty()) {
    if (texts.is_null()) texts.emplace_object();
    if (auto* object = texts.if_object()) object->emplace("precision", precision_);
  }
  world_->extra_pnginfo = std::make_shared<const json::value>(std::move(texts));
  const std::string asked = string_or(world_->extra_data, "preview_method", "default");
  const bool known = asked == "none" || asked == "auto" || asked == "latent2rgb" || asked == "taesd";
  world_->preview_method = known ? asked : executor.settings_.preview_method;
  world_->made_nodes = [this] { return prompt_.made_nodes(); };
}

JobRun::~JobRun() {
  world_->end();
  world_->made_nodes = nullptr;
  // Async calls that nobody waits for any more still use their contexts: the executor keeps these until they are done.
  for (const NodeIndex at : waiting_)
    if (auto& unfinished = state(at).unfinished)
      for (auto& one : unfinished->calls)
        if (one.pending) executor_.orphans_.push_back({one.pending, unfinished->contexts});
}

void JobRun::run() {
  tell(JobStarted{now_ms(), std::string(precision_)});
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
    set_marks(prompt_, all, world_->folders);
    set_signatures(prompt_, all, executor_.room_salt_);
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

}  // namespace darkroom
