#pragma once
// One worker process and the socket to it: records out, records in, and the watch over its life.
// Owned by its coroutine; lives on the io thread. States: starting → ready → gone.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/resident_memory.hpp"
#include "gateway/child_process.hpp"
#include "gateway/worker_pool.hpp"
#include "gateway/worker_times.hpp"

namespace darkroom {

constexpr std::int64_t kPingMs = 1'000;
constexpr std::int64_t kMemoryCheckMs = 200;     ///< a node can take gigabytes in a second

class WorkerProcess final : public WorkerHandle, public std::enable_shared_from_this<WorkerProcess> {
 public:
  /// What the pool does with it. `gone` comes last, once.
  struct Events {
    std::function<void(WorkerProcess&)> ready;
    std::function<void(WorkerProcess&, Record)> record;
    std::function<void(WorkerProcess&, LostReason, const ExitStatus&)> gone;
  };

  /// Starts the process. Throws Unavailable.
  /// `gpu`: the one that it computes on; none: the processor.
  WorkerProcess(asio::any_io_executor io, int id, const std::string& program, std::optional<int> gpu, std::uint64_t ram_limit, const WorkerTimes& times, Events events);
  ~WorkerProcess() override;

  /// Talks and watches until the process has ended.
  void run();

  int id() const override { return id_; }
  void send(const Record& record) override;
  void kill(LostReason reason) override;
  std::optional<int> gpu() const { return gpu_; }
  const json::object& device() const override { return device_; }
  const json::object& hello() const override { return hello_; }
  bool pass_on(int fd) override;

  bool is_ready() const { return ready_; }
  /// The pack whose code it was importing when it was last heard of; empty once it has said hello.
  const std::string& importing() const { return importing_; }
  pid_t pid() const { return child_.pid; }
  std::int64_t started_ms() const { return started_; }
  /// Expect it to end by itself: no reason is looked for.
  void expect_end() { reason_ = LostReason::kStopped; }

 private:
  asio::awaitable<void> read();
  asio::awaitable<void> watch();
  asio::awaitable<void> wait_for_end();
  void handle(Record record);
  void write();

  const int id_;
  const std::optional<int> gpu_;
  const WorkerTimes times_;
  Events events_;
  Child child_;
  const ResidentMemory memory_;
  asio::local::stream_protocol::socket socket_;
  const int door_;  ///< takes connections for routes of packs
  asio::posix::stream_descriptor ended_;
  asio::steady_timer timer_;
  std::string out_, writing_;
  bool busy_ = false;   ///< an asynchronous write is under way
  bool ready_ = false, gone_ = false, closed_ = false;
  std::optional<LostReason> reason_;
  std::int64_t started_ = 0, heard_ = 0;
  std::uint64_t ram_limit_ = 0;
  json::object hello_, device_;
  std::string importing_;
};

}  // namespace darkroom
