#pragma once
// Hands waiting jobs to idle workers and sees each to its end: events, cancels, grace times, lost workers, the history.
// Owned by the job desk; lives on the io thread, as long as one of its coroutines runs.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "gateway/job_times.hpp"
#include "gateway/worker_pool.hpp"

namespace darkroom {

class Hub;
class HubSession;
class JobEvents;
class MessageGate;
class Metrics;
class QueueStatus;
class ReplyGates;
class RunningJob;

class Dispatcher : public std::enable_shared_from_this<Dispatcher> {
 public:
  /// Limit: jobs that have ended and whose results are on their way into the history. Beyond: workers get no further one, so that results
  /// don't pile up in memory while the disk is full. Fixed: a worker needs one or two to be at work while the last is stored. Edge:
  /// JobDeskTest.WorkersStandStillWhileResultsCantBeStored.
  static constexpr std::size_t kMaxEnding = 16;

  Dispatcher(asio::any_io_executor io, Broker& broker, Hub& hub, std::shared_ptr<QueueStatus> status, ReplyGates& gates, JobTimes times);
  ~Dispatcher();

  /// What it wants to hear of workers.
  WorkerListener listener();
  /// An event that a broker's subscription brought.
  void on_event(const Record& record);
  /// The answer to a question of packs in a job of `owner`, or of nobody's, as a text; to be set before workers start.
  std::function<asio::awaitable<std::shared_ptr<const std::string>>(std::string owner, json::object question)> answer;
  std::function<void(const std::string& owner, double seconds)> ran;  ///< called for each job that is over; may be empty
  Metrics* metrics = nullptr;  ///< where jobs, nodes and lost workers are counted; null: nowhere
  /// Looks whether a waiting job and an idle worker are there.
  void kick();
  /// Cancels the running job of this owner and id, or every running one of the owner. False when nothing was hit.
  bool interrupt(std::string_view owner, const std::optional<std::string>& id);
  /// For how many seconds each running job has run, and how many workers there are.
  std::vector<double> running_seconds() const;
  std::size_t workers() const { return seats_.size(); }
  /// Of the running job of this owner and id; null for none.
  std::shared_ptr<JobEvents> events_of(std::string_view owner, std::string_view id) const;
  /// Tells a new socket of the jobs of its client that run.
  void greet(HubSession& session);
  /// Waits for a moment until running jobs have told their beginning: who reads that a job runs has then been told so before.
  static asio::awaitable<void> told_beginnings(std::shared_ptr<Dispatcher> self);
  /// Hands nothing out any more.
  void close() { closed_ = true; }

 private:
  /// One worker and what it has in hand.
  struct Seat {
    WorkerHandle* worker = nullptr;
    std::shared_ptr<RunningJob> job;    ///< until its end
    std::shared_ptr<MessageGate> told;  ///< of the job before; null for the first
    bool leaving = false;               ///< it handed its job back: it gets no other
    bool is_free() const { return !job && !leaving; }
  };
  // Coroutines that outlive a turn hold their dispatcher.
  using Self = std::shared_ptr<Dispatcher>;
  using JobPtr = std::shared_ptr<RunningJob>;

  template <class Work>
  void spawn(Work work);
  Seat* free_seat();
  bool any_job() const;
  bool any_beginning() const;
  void wake_readers();
  static asio::awaitable<void> dispatch(Self self);
  void begin(Seat& seat, ClaimedJob claimed);
  std::shared_ptr<MessageGate> gate_of(const std::string& job_id, MessageGate& turn);
  std::chrono::milliseconds longest_of(const RunningJob& job) const;
  void cancel(RunningJob& job, WorkerHandle& worker);

  void on_ready(WorkerHandle& worker);
  void on_record(WorkerHandle& worker, Record record);
  void say(const Record& record);
  static asio::awaitable<void> reply(Self self, int worker, json::object question);
  void on_lost(WorkerHandle& worker, LostReason reason);
  static asio::awaitable<void> hand_back(Self self, JobPtr job);
  static asio::awaitable<void> lose(Self self, JobPtr job, LostReason reason);
  static asio::awaitable<void> finish(Self self, JobPtr job);

  void start_ticking();
  static asio::awaitable<void> tick(Self self);
  asio::awaitable<void> end_expired();

  asio::any_io_executor io_;
  Broker& broker_;
  Hub& hub_;
  const std::shared_ptr<QueueStatus> status_;
  ReplyGates& gates_;
  const JobTimes times_;
  std::map<int, Seat> seats_;               ///< by worker id
  std::vector<JobPtr> ending_;              ///< jobs that have ended and whose end is not told yet
  std::list<asio::steady_timer*> readers_;  ///< those in told_beginnings()
  bool closed_ = false, dispatching_ = false, ticking_ = false;
};

}  // namespace darkroom
