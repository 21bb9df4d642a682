#pragma once
// Runs jobs, one at a time, with ComfyUI's semantics (protocol.md §6, §7). Keeps between jobs what they share: results,
// node instances, loaded models. Everything here happens on the execution thread.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"
#include "messages/job.hpp"
#include "storage/user_room.hpp"
#include "tensor/model_budget.hpp"
#include "worker/dynamic_prompt.hpp"
#include "worker/job_context.hpp"
#include "worker/node.hpp"
#include "worker/result_cache.hpp"

namespace darkroom {

/// Node objects, one for each id and class, kept while that id stays in the prompts.
class Instances {
 public:
  Node& get(const PromptNode& node);
  /// A prompt begins: drops the objects of ids that are not in it.
  void begin_prompt(const DynamicPrompt& prompt);
  void clear() { instances_.clear(); }
  std::size_t size() const { return instances_.size(); }

 private:
  struct Instance {
    std::string node_class;
    std::string real;
    std::unique_ptr<Node> node;
  };
  std::unordered_map<std::string, Instance> instances_;
};

class Executor {
 public:
  explicit Executor(const Registry& registry);
  ~Executor();

  /// Between jobs only.
  void configure(ExecutorSettings settings, CacheMode cache, std::size_t cache_limit);

  /// Runs a job to its end: the last event is JobSucceeded, JobFailed or JobInterrupted. Throws only when there is no memory left
  /// even to say so. `interrupt` may be set by any thread at any time.
  void run(const Job& job, const EventSink& sink, const std::atomic<bool>& interrupt);

  /// POST /free: `models` drops loaded models; `memory` also cached results and node objects.
  void free(bool models, bool memory);

  /// Looks at the memory of the process and the machine, at most ten times a second; when it runs short, drops cached
  /// results, then models that nobody uses. Called between nodes.
  void watch_memory();

  ResultCache& cache() { return cache_; }
  /// Of the device that the worker computes on.
  ModelBudget& models() { return *models_; }

 private:
  friend class JobRun;
  /// An async call whose job has ended, with all that it may still touch.
  struct Orphan {
    std::shared_ptr<PendingOutputs> call;
    std::vector<std::shared_ptr<JobContext>> contexts;
  };

  void share_memory_out();
  void enter_room(const std::string& owner);
  void share_budget();
  std::size_t spare(std::size_t bytes);
  void make_room(std::size_t bytes);
  void give_way(std::size_t bytes);

  std::vector<Orphan> orphans_;
  std::chrono::steady_clock::time_point next_watch_{};
  const Registry& registry_;
  ExecutorSettings settings_;
  ResultCache cache_;
  Instances instances_;
  std::string room_{kLocalUser};  ///< of the last job
  Hash128 room_salt_{};           ///< of the signatures there: users do not get each other's results
  SharedObjects shared_;
  std::shared_ptr<ModelBudget> models_;
  std::thread::id thread_;  ///< that of the last job
  bool ran_out_of_memory_ = false;
  const std::function<void(std::size_t)> before_allocation_ = [this](std::size_t bytes) { make_room(bytes); };
};

}  // namespace darkroom
