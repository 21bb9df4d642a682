#pragma once
// The one interface between those who take jobs in and those who execute them (DESIGN §1): queue, leases, history and the
// events of running jobs. Implementations: SQLite inside the gateway (sqlite_broker.hpp), Redis for many machines later.
// One conformance suite (tests/broker_conformance.hpp) runs against every implementation.
//
// Life of a job: submit → pending → claim → running → finish → history. A running job that is handed back or loses its
// worker is pending again. Every claim raises the attempt number; whoever comes with an older one is refused (fencing).
//
// All members are called on one executor, that of the gateway's io thread; awaitables come back to it.

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "broker/job_summary.hpp"
#include "messages/job.hpp"
#include "messages/wire.hpp"

namespace darkroom {

namespace asio = boost::asio;

/// submit() over the limit of waiting jobs.
struct QueueFull : TooLarge {
  using TooLarge::TooLarge;
};

/// submit() over the limit of one user; others have room.
struct UserQueueFull : QueueFull {
  using QueueFull::QueueFull;
};

/// What makes a submission one that happens once: a second one of the same owner, scope and key makes no job.
struct SubmissionKey {
  SubmissionKey(std::string of_scope, std::string of_key, std::string of_content)
      : scope(std::move(of_scope)), key(std::move(of_key)), fingerprint(std::move(of_content)) {}
  std::string scope;        ///< the route
  std::string key;          ///< its sender's choice
  std::string fingerprint;  ///< of what was sent
};

/// What the first submission with a key came to.
struct KeyUse {
  std::string fingerprint, job_id;
  json::value number;
};

/// submit() with a key that is in use.
struct KeyTaken : Conflict {
  explicit KeyTaken(KeyUse of) : Conflict("this idempotency key has been used already"), use(std::move(of)) {}
  KeyUse use;
};

/// Limit: how long a key of a submission is remembered, ms. Beyond: it may be used again. Fixed: the API's documents promise a day. Edge:
/// BrokerConformance.ASubmissionKeyIsForgottenAfterADay.
constexpr std::int64_t kKeyLifeMs = 24 * 3600 * 1000;

struct BrokerLimits {
  std::size_t max_queue = 10000;    ///< waiting jobs, those being written among them
  std::size_t max_history = 10000;  ///< finished jobs; the oldest go first
  std::size_t user_running = 0;     ///< running jobs of each user but `local`; the others wait. 0: any number
  std::size_t user_waiting = 0;     ///< waiting ones, those being written among them. 0: any number
  /// Limit: workers that one job may lose. Beyond: it fails with WorkerLost. Fixed: a job that takes two down takes all down. Edge:
  /// BrokerConformance.ASecondLossEndsTheRetries.
  int max_attempts = 2;
};

/// The right of one worker to one job. `ticket` is the broker's own number of a job: prompt ids may repeat.
struct Claim {
  std::int64_t ticket = 0;
  int attempt = 0;
};

struct ClaimedJob {
  Claim claim;
  Job job;         ///< its `attempt` is the claim's
  int losses = 0;  ///< workers that it has lost so far
};

/// A job in the queue as JSON texts, ready to be put together.
struct QueuedJob {
  std::int64_t ticket = 0;
  std::string id, owner, client_id, workflow_id;
  json::value number;
  std::int64_t create_time = 0;
  std::string prompt, extra_data, outputs;  ///< JSON; secrets are nowhere here
  std::string terms;                        ///< JobTerms::of(); here even where the texts are not

  /// `[number, prompt_id, prompt, extra_data, [output ids]]`, appended.
  void append_tuple(std::string& out) const;
};

struct QueueView {
  std::vector<std::shared_ptr<const QueuedJob>> running;
  std::vector<std::shared_ptr<const QueuedJob>> pending;  ///< in the order of claiming
};

/// A finished job as JSON texts.
struct HistoryEntry {
  std::string id;
  json::value number;
  std::string prompt, extra_data, output_ids;  ///< JSON, parts of the tuple
  std::string outputs, status, meta;           ///< JSON
  JobSummary summary;
  std::string terms;   ///< JobTerms::of()
  std::string events;  ///< of the job, as its result had them

  /// `{"prompt", "outputs", "status", "meta"}` (protocol.md §8.1), appended.
  void append_entry(std::string& out) const;
};

/// One line of the jobs list: of a waiting or running job what the queue knows, of a finished one its summary.
struct ListedJob {
  std::string id;
  json::value number;
  JobSummary summary;
  std::string terms;  ///< JobTerms::of()
};

struct JobsFilter {
  std::vector<std::string> status;  ///< pending, in_progress, completed, failed, cancelled; empty: all
  std::string workflow_id;          ///< "": any
  bool by_duration = false, ascending = false;
  std::optional<std::int64_t> limit;
  std::int64_t offset = 0;
};

struct JobsPage {
  std::vector<ListedJob> jobs;
  std::int64_t total = 0;
};

using NamedFiles = std::unordered_map<std::string, std::unordered_set<std::string>>;

struct QueueCounts {
  std::size_t pending = 0, running = 0;
  std::size_t total() const { return pending + running; }
};

class Broker {
 public:
  virtual ~Broker() = default;

  // -- queue
  /// Durable when it returns. Throws QueueFull over the limit, KeyTaken for a key that made a job before, Unavailable when it can't be
  /// stored.
  virtual asio::awaitable<void> submit(Job job, std::optional<SubmissionKey> key) = 0;
  asio::awaitable<void> submit(Job job) { return submit(std::move(job), std::nullopt); }
  /// What a key was used for, if it was. Another submission may take it the next moment: submit() has the last word.
  virtual asio::awaitable<std::optional<KeyUse>> key_use(std::string owner, std::string scope, std::string key) = 0;
  /// The next job in the fair order, running from now on; nothing when none waits. `lease`: how long without extend().
  virtual asio::awaitable<std::optional<ClaimedJob>> claim(std::chrono::milliseconds lease) = 0;
  /// False when the claim is no longer good: stop working on it.
  virtual asio::awaitable<bool> extend(Claim claim, std::chrono::milliseconds lease) = 0;
  /// From running into the history in one step; at worst a loss of power just then makes it run again. False for a stale claim.
  virtual asio::awaitable<bool> finish(Claim claim, JobResult result) = 0;
  /// Pending again at its old place, and as if it had not been tried: the worker stopped in order.
  virtual asio::awaitable<bool> hand_back(Claim claim) = 0;
  enum class Lost {
    kPending,    ///< it will be tried again
    kExhausted,  ///< max_attempts workers were lost: still running, to be finished with an error
    kStale,      ///< the claim is no longer good
  };
  /// The worker is gone with the job.
  virtual asio::awaitable<Lost> lose(Claim claim) = 0;
  /// Gives the jobs whose lease ran out to others, as lose() does; the claims that are exhausted by it.
  virtual asio::awaitable<std::vector<Claim>> expire_leases() = 0;
  /// Takes waiting jobs out, without a trace in the history; how many there were.
  virtual asio::awaitable<std::size_t> delete_pending(std::string owner, std::vector<std::string> ids) = 0;
  virtual asio::awaitable<std::size_t> clear_pending(std::string owner) = 0;
  /// A waiting job goes into the history with `result`, in one step. False when no such job waits.
  virtual asio::awaitable<bool> cancel_pending(std::string owner, std::string id, JobResult result) = 0;

  virtual QueueCounts counts() const = 0;
  virtual QueueCounts counts_of(std::string_view owner) const = 0;
  virtual asio::awaitable<QueueView> queue(std::string owner) = 0;
  struct Queued {
    std::shared_ptr<const QueuedJob> job;  ///< its texts may be on the disk only: look at what else it says
    bool running = false;
  };
  /// The job of this id that waits or runs, the oldest of several; nothing for none.
  virtual std::optional<Queued> queued(std::string_view owner, std::string_view id) const = 0;
  /// Tickets of the waiting jobs of all owners, in the order of claiming; good until the queue changes.
  virtual const std::vector<std::int64_t>& order() const = 0;
  /// Where a waiting job stands among those of all owners, from 1; nothing for one that does not wait.
  std::optional<std::int64_t> position(std::int64_t ticket) const;
  /// Advances the automatic queue number and gives its old value, from 0.
  virtual std::int64_t next_number() = 0;
  /// Called on the executor whenever a job came, went or changed its state.
  virtual void on_change(std::function<void()> listener) = 0;

  // -- history
  /// Oldest first. `offset` below 0 with `max_items`: the last ones (protocol.md §3.4).
  virtual asio::awaitable<std::vector<HistoryEntry>> history(std::string owner, std::optional<std::int64_t> max_items, std::int64_t offset) = 0;
  virtual asio::awaitable<std::optional<HistoryEntry>> history_of(std::string owner, std::string id) = 0;
  virtual asio::awaitable<void> delete_history(std::string owner, std::vector<std::string> ids) = 0;
  virtual asio::awaitable<void> clear_history(std::string owner) = 0;
  /// The files of all histories whose `type` is this one ("output", "temp", "input"), as `subfolder/filename`, by owner.
  virtual asio::awaitable<NamedFiles> named_files(std::string type) = 0;

  // -- jobs: queue and history together (§8.3)
  virtual asio::awaitable<JobsPage> jobs(std::string owner, JobsFilter filter) = 0;

  // -- events of running jobs
  using EventListener = std::function<void(const Record& event)>;
  /// Tells every subscriber, in the order of the calls.
  virtual void publish(const Record& event) = 0;
  /// Until the returned object is gone.
  virtual std::shared_ptr<void> subscribe(EventListener listener) = 0;

  // -- node schemas of earlier workers, by build id
  virtual asio::awaitable<void> keep_schemas(std::string key, std::string schemas) = 0;
  virtual asio::awaitable<std::optional<std::string>> kept_schemas(std::string key) = 0;
};

}  // namespace darkroom
