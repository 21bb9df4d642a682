#pragma once
// Where jobs are taken in, handed to workers and put away. The only place that changes queue, running jobs and history, so
// that the order "state first, then the message" (DESIGN §8) is kept by one function each. Lives on the io thread.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "broker/broker.hpp"
#include "gateway/job_times.hpp"
#include "gateway/worker_pool.hpp"
#include "messages/job.hpp"

namespace darkroom {

namespace asio = boost::asio;

class Hub;
class HubSession;
class JobEvents;
class Metrics;
struct Options;

class JobDesk {
 public:
  using Times = JobTimes;

  JobDesk(asio::any_io_executor io, const Options& options, Broker& broker, Hub& hub, WorkerPool& workers);
  /// Without a pool of processes: `listen` is called once, by start().
  JobDesk(asio::any_io_executor io, Broker& broker, Hub& hub, std::function<void(WorkerListener)> listen, Times times);
  ~JobDesk();

  /// Takes over the workers' listener and starts to hand out what waits.
  asio::awaitable<void> start();
  /// Jobs, their nodes and lost workers are counted there from now on.
  void count_in(Metrics& metrics);
  /// Called for each job that is over with its owner and how long it ran.
  void on_ran(std::function<void(const std::string& owner, double seconds)> listener);
  QueueCounts counts() const;  ///< of all owners
  /// Phase one of the shutdown: takes nothing new and hands nothing out.
  void close();

  // -- POST /prompt: `number` is taken before validation (protocol.md §3.1), the job is on disk when submit() returns.
  json::value next_number();       ///< advances the counter
  json::value front_number();      ///< minus the counter; advances it too
  /// Throws QueueFull, KeyTaken, or Unavailable when it can't be stored or the server is stopping.
  asio::awaitable<void> submit(Job job, std::optional<SubmissionKey> key = std::nullopt);
  /// What a key of a submission was used for, if it was.
  asio::awaitable<std::optional<KeyUse>> key_use(std::string owner, SubmissionKey key);
  /// Called with each job before it is submitted; what it gives is called once the job is in the queue.
  void on_submit(std::function<std::function<void()>(const Job&)> listener);
  /// To be called when the reply of a submitted job has been written, or can't be: its messages may go out then. It may outlive the desk.
  std::function<void(bool)> when_replied(const std::string& job_id) const;

  // -- queue; from here on all is about jobs of one owner
  std::size_t queue_remaining(const std::string& owner) const;   ///< waiting and running
  /// Body of GET /queue, serialised once per change.
  asio::awaitable<std::shared_ptr<const std::string>> queue_json(std::string owner);
  /// What packs ask in a job of `owner`: {"what": "queue"}, {"what": "history", "prompt"?: id}. Null for anything else.
  asio::awaitable<std::shared_ptr<const std::string>> answer(std::string owner, json::object question);
  asio::awaitable<void> delete_pending(std::string owner, std::vector<std::string> ids);
  asio::awaitable<void> clear_pending(std::string owner);
  void interrupt(const std::string& owner, const std::optional<std::string>& job_id);   ///< §3.3: nothing running and no id: the flag is dropped
  asio::awaitable<bool> cancel(std::string owner, std::string job_id);           ///< pending: removed, into the history as cancelled; running: interrupted

  // -- history: bodies of replies
  asio::awaitable<std::shared_ptr<const std::string>> history_json(std::string owner, std::optional<std::int64_t> max_items, std::int64_t offset);
  asio::awaitable<std::shared_ptr<const std::string>> history_json_of(std::string owner, std::string job_id);
  asio::awaitable<void> delete_history(std::string owner, std::vector<std::string> ids);
  asio::awaitable<void> clear_history(std::string owner);

  // -- jobs (§8.3): bodies of replies
  asio::awaitable<std::shared_ptr<const std::string>> jobs_json(std::string owner, JobsFilter filter);
  /// Null for an unknown one. `place`: a waiting one also says where it stands, and how long about.
  asio::awaitable<std::shared_ptr<const std::string>> job_json(std::string owner, std::string job_id, bool place = false);

  /// What has happened to a running job; null for one that does not run.
  std::shared_ptr<JobEvents> events_of(const std::string& owner, const std::string& job_id) const;
  /// Seconds until the waiting job at this place in the queue (from 1) begins, as far as can be told.
  std::optional<double> estimated_wait(std::int64_t position) const;
  /// Queue and history as they are, for API v2.
  Broker& broker();

  /// First messages of a new socket: `status` with `sid`, and `executing` where a job of this client runs (§4.1).
  void greet(HubSession& session);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace darkroom
