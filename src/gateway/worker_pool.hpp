#pragma once
// Local workers: spawned, configured, listened to, and replaced when they crash, fall silent or eat memory (DESIGN §1, §8).
// Lives on the io thread. It knows processes and records; what a job is, only the listener knows.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "gateway/worker_times.hpp"
#include "messages/wire.hpp"

namespace darkroom {

namespace asio = boost::asio;

class Folders;
class SchemaStore;
struct Options;

enum class LostReason {
  kCrashed,    ///< the socket closed or the process died by itself
  kMemory,     ///< resident memory over --ram: killed
  kSilent,     ///< its control thread said nothing for WorkerTimes::silent: killed
  kCancelled,  ///< outlived the grace time of a cancel: killed on request
  kStopped,    ///< the server is stopping
};

/// One worker process, as others see it. Ids count up: a replacement is a new worker.
class WorkerHandle {
 public:
  virtual ~WorkerHandle() = default;
  virtual int id() const = 0;
  virtual void send(const Record& record) = 0;       ///< queues it; never blocks
  virtual void kill(LostReason reason) = 0;          ///< SIGKILL; the listener hears of it through `lost`
  virtual const json::object& device() const = 0;    ///< {name, type, index} of its hello, {vram_total, vram_free} of its last pong
  virtual const json::object& hello() const = 0;     ///< all of its hello: version, build, pid, pytorch_version, ...
  /// Hands a connected socket over to the routes of its packs; `fd` stays the caller's. False when it can't be: the worker is gone, or too
  /// many wait.
  virtual bool pass_on(int fd) {
    (void)fd;
    return false;
  }
};

struct WorkerListener {
  std::function<void(WorkerHandle&)> ready;                       ///< configured, schemas told: may be given a job
  std::function<void(WorkerHandle&, Record)> record;              ///< event, handed_back: in order
  std::function<void(WorkerHandle&, LostReason)> lost;            ///< gone; a replacement is on its way unless stopping
};

class WorkerPool {
 public:
  WorkerPool(asio::any_io_executor io, const Options& options, const Folders& folders, SchemaStore& schemas, const WorkerTimes& times = {});
  ~WorkerPool();

  void listen(WorkerListener listener);
  /// Called with the build id of a worker and its schemas as data, when they are new: to be kept for the next start.
  void on_schemas(std::function<void(std::string build, std::string schemas)> listener);
  void start();
  /// Asks every worker to stop (it hands its job back), waits WorkerTimes::stop, kills the rest. Idempotent.
  asio::awaitable<void> stop();

  /// Replaces every worker by a new one, which loads the packs as they are now. A running job begins anew with it.
  void reload();

  std::vector<WorkerHandle*> workers() const;        ///< those that are ready
  /// Asks any live worker and gives its `result`. Throws RaisedInValidator (workflow/validate.hpp) for an `error`,
  /// Unavailable when none answers within WorkerTimes::ask.
  asio::awaitable<json::value> ask(json::object question);
  std::uint64_t ram_limit() const;                   ///< of each worker, bytes: --ram or its default
  bool has_prompt_hook() const;                      ///< do packs want to see requests before they are judged?
  void broadcast(const Record& record);              ///< `free`, for one
  /// What these classes take has changed: told to all workers, and to those that come.
  void tell_classes(json::array schemas);
  /// Packs that are not loaded any more because workers died of them: as entries of hello's `packs`.
  json::array deadly_packs() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace darkroom
