#pragma once
// A worker: the gateway's records come in over one socket, jobs run, events go back (messages/wire.hpp).
// Two threads: the control thread (the caller of run()) answers at any time; the execution thread computes. The control
// thread never touches a tensor, the execution thread never waits for the gateway but when previews pile up.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "messages/job.hpp"
#include "messages/wire.hpp"
#include "worker/device.hpp"
#include "worker/executor.hpp"
#include "worker/node.hpp"
#include "worker/outbox.hpp"
#include "worker/pack_link.hpp"

namespace darkroom {

class Worker : private PackLink {
 public:
  /// Adds classes that lie in folders: packs. On the execution thread, once, when the folders are known.
  using LoadPacks = std::function<void(Registry&, const Folders&, PackLink&)>;

  /// `fd`: a connected stream socket; stays the caller's. `registry` must outlive the worker. With `load_packs` it tells its schemas after
  /// it was configured and the packs are there. `door`: see PackLink.
  Worker(int fd, Registry& registry, Device device = {}, LoadPacks load_packs = {}, int door = -1);
  ~Worker() override;

  /// Says hello, tells the schemas and serves until the gateway says stop or closes the socket. Returns the exit status.
  /// A node that does not end in time is left running: a program then leaves without destroying the worker, and the
  /// destructor would wait for it.
  int run();

 private:
  using Clock = std::chrono::steady_clock;

  // PackLink
  void send(std::string type, json::value data, std::optional<std::string> sid) override;
  void send_binary(std::uint32_t event, std::string bytes, std::optional<std::string> sid) override;
  std::string ask(json::object question) override;
  Running running() const override;
  void interrupt() override;
  bool interrupted() const override { return interrupt_; }
  void importing(const std::string& pack) override;
  void wants_prompts() override { outbox_.send(Record{"prompt_hook", {}, {}}); }
  void announce(json::object about) override { about_packs_ = std::move(about); }
  int door() const override { return door_; }
  const json::object& server() const override { return server_; }

  // control thread
  void say_hello();
  void load_packs(const Folders& folders);
  void handle(Record record);
  void configure(const json::object& data);
  void change_classes(const json::object& data);
  void take_reply(const json::object& data);
  void accept(const json::object& data);
  void cancel(const std::string& job);
  void answer(json::object data);
  Record answer_to(const json::object& data) const;
  void begin_stop();
  bool read_records();
  /// False when the socket broke. `wrote`: there was something; `due`: what a job ends with was among it.
  bool write_records(bool& wrote, bool& due);
  void serve();

  // execution thread
  void execute_tasks();
  void run_job(const Job& job);
  void post(std::function<void()> task);
  void hand_back(const Job& job);
  void fail(const std::string& job, int attempt, const std::exception_ptr& fault);

  int fd_;
  Registry& registry_;
  LoadPacks load_packs_;
  const int door_;
  json::object server_;       ///< of configure; does not change
  json::object about_packs_;  ///< for hello; changed while load_packs_ runs only
  const Device device_;
  Executor executor_;
  Outbox outbox_;
  RecordReader reader_;
  std::unique_ptr<char[]> read_buffer_;
  std::string unwritten_;
  std::size_t written_ = 0;
  bool gathering_ = false;                      ///< the outbox is looked at soon without being woken

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool closing_ = false;                        ///< the execution thread ends when its tasks are done
  std::string running_;                         ///< id of the running job
  Running shown_;                               ///< what packs are told of it
  int running_attempt_ = 0;
  bool running_cancelled_ = false;              ///< by cancel, not by stop: its end is reported as such
  std::unordered_set<std::string> cancelled_;   ///< jobs that were cancelled before their turn

  std::atomic<std::uint64_t> written_out_{0};   ///< times that everything queued had been written

  std::mutex questions_mutex_;
  std::unordered_map<std::int64_t, std::promise<std::string>> questions_;  ///< to the gateway, unanswered
  std::int64_t next_question_ = 1;

  std::atomic<bool> interrupt_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> executed_all_{false};
  Clock::time_point stop_deadline_{};
  std::thread execution_;
  /// Threads that answer questions; those that are done are taken off before the next begins.
  struct Asked {
    std::shared_ptr<std::atomic<bool>> done;
    std::jthread thread;
  };
  std::list<Asked> asked_;
};

}  // namespace darkroom
