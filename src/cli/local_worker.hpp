#pragma once
// A worker of this program alone, over the link that the gateway uses: no port, no database. Owned by the command that runs on it;
// lives on its io thread, from start() to stop().

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "cli/run_options.hpp"
#include "gateway/options.hpp"
#include "gateway/pool.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/worker_pool.hpp"
#include "messages/events.hpp"
#include "messages/job.hpp"
#include "storage/folders.hpp"
#include "workflow/validate.hpp"

namespace darkroom {

/// A temp folder of this run alone, gone with it: the server's own is not touched.
class ScratchFolder {
 public:
  ScratchFolder();  ///< throws RunFailure
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  std::filesystem::path path;
};

/// How a job on a local worker ended.
struct JobEnd {
  enum class Kind { kDone, kFailed, kInterrupted, kLost, kOutOfMemory };
  Kind kind = Kind::kDone;
  json::object error;  ///< of kFailed: the data of its execution_error
  std::string text;    ///< of the last three: where, or why
};

class LocalWorker {
 public:
  /// The folders of a run: models below the base directory, `input` and `output` as given, made where they are missing. Throws RunFailure.
  LocalWorker(asio::io_context& io, const RunOptions& run, const std::filesystem::path& input, const std::filesystem::path& output,
              const std::filesystem::path& temp);
  ~LocalWorker();

  /// Waits until it has told its classes. Throws RunFailure.
  asio::awaitable<void> start();
  /// Judges a prompt as a server would, and converts its constants.
  asio::awaitable<Validation> check(json::object& prompt);
  /// Runs one job to its end; `tell` hears all that happens to it. A worker that was lost has been replaced by the next call. Throws
  /// RunFailure(kInterrupted) for one that was interrupted before it began.
  asio::awaitable<JobEnd> run(Job job, std::function<void(const JobEvent&)> tell);
  asio::awaitable<void> stop();

  /// Ends the running job and whatever waits: its node gets a moment, then its process is killed.
  void interrupt();
  void kill();  ///< the same at once

  const Folders& folders() const { return folders_; }
  SchemaStore& schemas() { return schemas_; }

 private:
  void handle(Record record);
  void lost(LostReason reason);
  void finish(JobEnd end);
  asio::awaitable<void> wait_for_worker();

  asio::io_context& io_;
  const Options options_;
  const Folders folders_;
  BlockingPool pool_{1};
  SchemaStore schemas_;
  WorkerPool workers_;
  asio::steady_timer changed_;  ///< cancelled at every change: who waits looks again
  asio::steady_timer grace_;
  WorkerHandle* worker_ = nullptr;
  std::string job_;  ///< the id of the running one; "" for none
  std::function<void(const JobEvent&)> tell_;
  std::optional<JobEnd> end_;
  bool interrupted_ = false, stopping_ = false;
};

}  // namespace darkroom
