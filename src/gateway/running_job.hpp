#pragma once
// One claimed job while a worker has it: turns its events into messages, and gathers what the history keeps.
// Made when the job is handed to a worker, gone when its end has been told, which may be after the worker took up the next. Lives on the io
// thread.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.hpp"
#include "gateway/job_events.hpp"
#include "gateway/job_voice.hpp"
#include "gateway/progress_state.hpp"
#include "messages/events.hpp"
#include "messages/job.hpp"

namespace darkroom {

class Metrics;

class RunningJob : public std::enable_shared_from_this<RunningJob> {
 public:
  using Clock = std::chrono::steady_clock;

  /// A thinned `progress_state` goes out at most 20 times a second (DESIGN §9).
  static constexpr std::chrono::milliseconds kProgressInterval{52};
  /// A silent node's `progress_state` is repeated: one client reports a failure after 10 s of silence.
  static constexpr std::chrono::milliseconds kRepeatAfter{5000};

  RunningJob(asio::any_io_executor io, ClaimedJob claimed, JobVoice voice, std::shared_ptr<MessageGate> turn);
  ~RunningJob() { events_->leave(); }

  /// One event of the worker. After an end (success, failure, interruption) has_ended() is true and further ones are ignored.
  void apply(const JobEvent& event);
  /// The end when the worker can't tell it any more: `execution_error` on the node that ran, exception_type WorkerLost.
  void end_as_lost(const std::string& why);
  /// The end of a cancelled job whose worker had to be killed.
  void end_as_interrupted();

  /// Says that it began, when a worker was lost before it could: every attempt is announced.
  void announce_start();

  /// Has it told its start and its first node, or its end?
  bool has_begun() const { return (current_.has_value() && voice_.is_heard()) || ended_; }
  bool has_ended() const { return ended_; }
  /// With its events, the end among them.
  JobResult take_result();
  /// `executing` with node null, to the owner: the very last message. Its result has to be in the history.
  void say_end();

  /// Called now and then: repeats the state of a silent node.
  void tick(Clock::time_point now);
  /// What a socket of this client is told when it comes back: `executing`, and the whole state.
  void greet(HubSession& session);

  const std::string& id() const { return job_.id; }
  const std::string& owner() const { return job_.owner; }
  const Claim& claim() const { return claim_; }
  int timeout_s() const { return job_.terms.timeout_s; }
  /// How long it has run, ms; 0 before its start and where it never started.
  std::int64_t ran_ms() const { return started_ ? std::max<std::int64_t>(0, result_.ended - result_.started) : 0; }
  JobVoice& voice() { return voice_; }
  /// Opened when its end has been told: its worker may have taken up the next job before.
  const std::shared_ptr<MessageGate>& told() const { return told_; }
  /// That of the job that its worker had before.
  MessageGate& turn() { return *turn_; }
  /// What has happened to it, for those who ask by number.
  const std::shared_ptr<JobEvents>& events() const { return events_; }
  /// The record for the worker; made once.
  Record run_record();

  Metrics* metrics = nullptr;  ///< where its times are counted; null: nowhere

  // -- cancelling: set by the desk
  std::optional<Clock::time_point> cancelled_at;  ///< when it was first asked to end
  std::optional<Clock::time_point> kill_at;       ///< end of the grace time
  std::optional<Clock::time_point> due;           ///< when it has run as long as it may
  bool overdue = false;                           ///< it is cancelled because it ran that long: no interruption but an error

 private:
  void on(const JobStarted& event);
  void on(const NodesCached& event);
  void on(const NodeStarted& event);
  void on(const NodeProgress& event);
  void on(const NodeExecuted& event);
  void on(const NodeFinished& event);
  void on(const TextSent& event);
  void on(const MessageSent& event);
  void on(const BinarySent& event);
  void on(const NodeBlocked& event);
  void on(const JobSucceeded& event);
  void on(const JobFailed& event);
  void on(const JobInterrupted& event);

  void keep_message(const char* type, json::object data);
  void say_progress_state();
  void flush_changes(bool all);
  void end(const char* type, json::object data, std::int64_t timestamp, bool to_all_without_client);
  std::string class_of(const std::string& node) const;
  std::string lost_node() const;
  /// The data of an `execution_error` that no node raised.
  json::object failure(const std::string& node, const char* type, const std::string& why) const;

  asio::any_io_executor io_;
  Job job_;
  Claim claim_;
  JobVoice voice_;
  const std::shared_ptr<MessageGate> turn_, told_ = std::make_shared<MessageGate>(false);
  JobResult result_;
  std::string end_status_;  ///< of API v2
  std::shared_ptr<JobEvents> events_;
  ProgressState progress_;
  std::optional<NodeIds> current_;       ///< the node taken up last, until the end
  std::vector<std::string> executed_;    ///< nodes that finished
  std::vector<std::string> cached_;      ///< nodes whose result was there at the start
  std::unordered_map<std::string, Clock::time_point> since_;  ///< nodes at work: when they began
  bool started_ = false;                 ///< `execution_start` has been told
  Clock::time_point last_event_ = Clock::now();
  Clock::time_point last_changes_{};     ///< when a thinned message was sent
  asio::steady_timer changes_timer_;
  bool changes_waiting_ = false;
  bool ended_ = false;
};

}  // namespace darkroom
