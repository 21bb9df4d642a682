#pragma once
// What nodes see of their job, and how they speak from inside a call: the implementation of Context.

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "messages/events.hpp"
#include "messages/job.hpp"
#include "storage/folders.hpp"
#include "tensor/cuda.hpp"
#include "worker/node.hpp"

namespace darkroom {

/// Takes the events of a job, in order; calls come one at a time, but from any thread.
using EventSink = std::function<void(JobEvent)>;

/// Things that outlive a call and are shared by all nodes of the worker: loaded models.
class SharedObjects {
 public:
  using Make = std::function<std::shared_ptr<void>()>;

  /// The object of `key`, made by whoever comes first; others that want it wait, those that want another one do not. Throws
  /// what `make` throws; then the next call tries again. `make` may get other keys, but not its own.
  std::shared_ptr<void> get(const std::string& key, const Make& make);
  /// Forgets them; who holds one keeps it.
  void clear();

 private:
  using Future = std::shared_future<std::shared_ptr<void>>;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Future>> objects_;
};

struct ExecutorSettings {
  Folders folders;
  Device device;
  bool disable_metadata = false;
  std::string preview_method = "none";
  int preview_size = 512;        ///< pixels
  std::size_t memory_limit = 0;  ///< bytes that the process may have in memory (--ram); 0: nobody counts
  std::function<std::optional<GpuMemory>(int index)> ask_gpu = gpu_memory;
};

/// What all calls of one job have in common. Outlives the job where an async call does: then nothing is told any more.
class JobWorld {
 public:
  JobWorld(const ExecutorSettings& executor_settings, Folders own_folders, SharedObjects& shared_objects, EventSink sink, const std::atomic<bool>& interrupt)
      : settings(executor_settings), folders(std::move(own_folders)), shared(shared_objects), sink_(std::move(sink)), interrupt_(interrupt) {}

  bool interrupted() const {
    return interrupt_.load(std::memory_order_relaxed) || given_up_.load(std::memory_order_relaxed) || over_.load(std::memory_order_relaxed);
  }
  /// A node of the job cancels it.
  void give_up() const { given_up_ = true; }
  void tell(JobEvent event) const;
  /// The job has ended: after this no event leaves, from whatever thread.
  void end();

  const ExecutorSettings& settings;
  Folders folders;                                   ///< of the job's user
  SharedObjects& shared;
  std::shared_ptr<const json::value> prompt;         ///< PROMPT: the submitted prompt with its marks
  std::shared_ptr<const json::value> extra_pnginfo;  ///< EXTRA_PNGINFO or null
  json::object extra_data;                           ///< with the secrets
  std::string preview_method;
  std::function<json::object()> made_nodes;          ///< as Context has it; none once the job is over

 private:
  mutable std::mutex mutex_;
  EventSink sink_;
  const std::atomic<bool>& interrupt_;
  mutable std::atomic<bool> given_up_{false};
  std::atomic<bool> over_{false};
};

/// The context of one call. That of an async call stays until the call is done, even when its job was cancelled.
class JobContext final : public Context {
 public:
  JobContext(std::shared_ptr<const JobWorld> world, std::string node_id, int call_index)
      : world_(std::move(world)), node_id_(std::move(node_id)), call_index_(call_index) {}

  void check() const override;
  void progress(std::int64_t value, std::int64_t max) override;
  void progress(std::int64_t value, std::int64_t max, std::string_view format, std::string picture) override;
  void text(std::string_view text) override;
  void send(std::string type, json::value data, Audience to) override;
  void send_binary(std::uint32_t event, std::string bytes, Audience to) override;

  const std::string& node_id() const override { return node_id_; }
  const json::object& prompt() const override { return world_->prompt->get_object(); }
  const json::value& extra_pnginfo() const override { return *world_->extra_pnginfo; }
  const json::object& extra_data() const override { return world_->extra_data; }
  const Folders& folders() const override { return world_->folders; }
  bool metadata_disabled() const override { return world_->settings.disable_metadata; }
  const Device& device() const override { return world_->settings.device; }
  int call_index() const override { return call_index_; }
  void interrupt() override { world_->give_up(); }
  json::object made_nodes() const override { return world_->made_nodes ? world_->made_nodes() : json::object(); }
  std::string_view preview_method() const override { return world_->preview_method; }
  int preview_size() const override { return world_->settings.preview_size; }
  std::shared_ptr<void> shared(const std::string& key, const std::function<std::shared_ptr<void>()>& make) override {
    return world_->shared.get(key, make);
  }

 private:
  std::shared_ptr<const JobWorld> world_;
  std::string node_id_;
  int call_index_;
};

}  // namespace darkroom
