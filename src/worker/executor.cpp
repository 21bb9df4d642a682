#include "worker/executor.hpp"

#include "base/log.hpp"
#include "worker/job_run.hpp"
#include "worker/memory.hpp"

namespace darkroom {

Node& Instances::get(const PromptNode& node) {
  Instance& instance = instances_[node.given.id];
  if (!instance.node || instance.node_class != node.node_class) instance = {node.node_class, node.ids.real, node.node_class->make()};
  return *instance.node;
}

void Instances::begin_prompt(const DynamicPrompt& prompt) {
  std::erase_if(instances_, [&](const auto& item) { return prompt.find(item.second.real) == kNoNode; });
}

void Executor::configure(ExecutorSettings settings, CacheMode cache, std::size_t cache_limit) {
  settings_ = std::move(settings);
  cache_.configure(cache, cache_limit);
}

void Executor::run(const Job& job, const EventSink& sink, const std::atomic<bool>& interrupt) {
  std::erase_if(orphans_, [](const Orphan& orphan) { return orphan.call->result.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  JobRun(*this, job, sink, interrupt).run();
  if (cache_.keeps_nothing()) instances_.clear();
}

void Executor::watch_memory() {
  constexpr auto kInterval = std::chrono::milliseconds(100);
  // Over the first share of --ram the cache gives way, down to the second; the gateway kills at the limit itself.
  constexpr double kShort = 0.85, kEnough = 0.75;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_watch_) return;
  next_watch_ = now + kInterval;
  if (cache_.mode() == CacheMode::kRam) cache_.keep_free(available_bytes());
  if (settings_.memory_limit == 0) return;
  const auto limit = static_cast<double>(settings_.memory_limit);
  const auto used = static_cast<double>(resident_bytes());
  if (used < kShort * limit) return;
  const auto wanted = static_cast<std::size_t>(used - kEnough * limit);
  const std::size_t dropped = cache_.drop_until(wanted);
  if (dropped < wanted) shared_.clear();
  log::warn("short of memory: {} MiB of {} in use; dropped {} MiB of cached results{}", used / 1048576, limit / 1048576, dropped >> 20,
            dropped < wanted ? " and all models" : "");
  trim_memory();
}

void Executor::free(bool models, bool memory) {
  if (models || memory) shared_.clear();
  if (memory) {
    cache_.clear();
    instances_.clear();
  }
}

}  // namespace darkroom
