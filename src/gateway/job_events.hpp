#pragma once
// What has happened to one running job, in numbered events that stay with it: status, progress, outputs. API v2 sends them (SSE), and who
// was cut off asks for what came after the last number it saw. Made with each attempt at a job; its text goes into the history with the
// result. Lives on the io thread.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "messages/events.hpp"
#include "messages/job.hpp"

namespace darkroom {

namespace asio = boost::asio;

struct NumberedEvent {
  std::int64_t seq = 0;  ///< from 1, within the attempt
  std::string name;      ///< status, progress, output
  json::object data;     ///< of an output: {"node_id", "filename", "subfolder", "type", "key"}; the others as they are sent
};

/// The newest picture of a running sampler.
struct JobPreview {
  std::int64_t version = 0;  ///< raised with each
  std::string node, content_type, bytes;
};

/// How far a job is.
struct JobProgress {
  double value = 0;  ///< 0..1 of the whole job; never less than before
  std::int64_t nodes_done = 0, nodes_total = 0;
  std::string node, node_class;
  std::optional<std::int64_t> step, steps;
  json::object to_json() const;
};

class JobEvents : public std::enable_shared_from_this<JobEvents> {
 public:
  using Clock = std::chrono::steady_clock;
  /// `progress` is told this often at most.
  static constexpr std::chrono::milliseconds kInterval{500};
  /// Limit: events that are kept of a job. Beyond: its older `progress` events go. Fixed: a day of a running job makes 170,000; each says
  /// all. Edge: JobEventsTest.OldProgressGoesBeforeThereAreTooMany.
  static constexpr std::size_t kMost = 1000;

  JobEvents(asio::any_io_executor io, const Job& job, int attempt);

  void apply(const JobEvent& event);  ///< of the worker; ends are told by end()
  void canceling();
  /// The last event. Call it when the job's result is in the history.
  void end(const std::string& status);
  /// The attempt is over, perhaps without an end: whoever listens has to look anew where the job is.
  void leave();
  /// JSON of all events, the coming end among them: {"attempt", "events": [[seq, name, data], ...]}.
  std::string text(const std::string& status) const;
  /// The attempt's number and its events in a text; nothing where it is none.
  static std::optional<std::pair<int, std::vector<NumberedEvent>>> read(const std::string& text);

  int attempt() const { return attempt_; }
  std::int64_t started() const { return started_; }  ///< ms since 1970; 0: not yet
  bool is_canceling() const { return canceling_; }
  bool has_ended() const { return ended_; }
  bool has_left() const { return left_; }
  const JobProgress& progress() const { return progress_; }
  const JobPreview& preview() const { return preview_; }
  const std::deque<NumberedEvent>& events() const { return events_; }
  std::int64_t last_seq() const { return last_seq_; }

  /// `listener` is called after every change, until the returned object is gone.
  std::shared_ptr<void> listen(std::function<void()> listener);

 private:
  void on(const JobStarted& event);
  void on(const NodesCached& event);
  void on(const NodeStarted& event);
  void on(const NodeProgress& event);
  void on(const NodeExecuted& event);
  void on(const NodeFinished& event);
  template <class Other>
  void on(const Other&) {}

  void add(std::string name, json::object data);
  void done(const std::string& node);
  void moved(double within = 0);
  void say_progress();
  void tell();
  std::string class_of(const std::string& node) const;

  asio::steady_timer timer_;
  const int attempt_;
  struct Node {
    std::string node_class;
    bool done = false;
  };
  using Nodes = std::unordered_map<std::string, Node>;
  static Nodes nodes_of(const Job& job);
  Nodes nodes_;  ///< that may run
  JobProgress progress_;
  JobPreview preview_;
  std::deque<NumberedEvent> events_;
  std::int64_t last_seq_ = 0, started_ = 0;
  bool canceling_ = false, ended_ = false, left_ = false, progress_waits_ = false;
  Clock::time_point last_progress_{};
  std::list<std::function<void()>> listeners_;
};

/// The files in the `ui` of an output node, as data of `output` events.
std::vector<json::object> files_in(const std::string& node, const json::object& ui);

}  // namespace darkroom
