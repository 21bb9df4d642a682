#include "worker/executor.hpp"

#include "base/log.hpp"
#include "worker/job_run.hpp"

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
  JobRun(*this, job, sink, interrupt).run();
  if (cache_.keeps_nothing()) instances_.clear();
}

void Executor::free(bool models, bool memory) {
  if (models || memory) shared_.clear();
  if (memory) {
    cache_.clear();
    instances_.clear();
  }
}

}  // namespace darkroom
