#pragma once
// The queue of the SQLite broker in memory: which jobs wait or run, in which order, under which claim. No I/O.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.hpp"
#include "broker/fair_queue.hpp"
#include "broker/jobs_table.hpp"

namespace darkroom {

/// Texts of jobs are kept in memory up to this many bytes in all; beyond, they are read from the disk when asked for.
/// Limit: texts of waiting jobs kept in memory, bytes. Beyond: they are read from disk. Fixed: bounds the memory of the gateway. Edge:
/// SqliteBroker.JobsBeyondTheTextBudgetAreReadFromDisk.
constexpr std::size_t kMirrorTextBytes = 64u << 20;

class QueueMirror {
 public:
  /// `user_running`: how many jobs of one user but `local` may run; 0: any number.
  explicit QueueMirror(std::size_t user_running = 0) : user_running_(user_running) {}

  using Clock = std::chrono::steady_clock;
  enum class State {
    kPending,
    kRunning,
    kLeaving,  ///< on its way into the history: still shown, no longer to be claimed or ended by others
  };
  struct Entry {
    std::int64_t ticket = 0;
    State state = State::kPending;
    bool was_running = false;  ///< of a leaving one: where it is shown until then
    double number = 0;
    bool explicit_number = false;
    bool has_client = false;
    int attempt = 0, losses = 0, priority = 0;
    Clock::time_point lease_until;
    std::shared_ptr<const QueuedJob> view;  ///< its texts are empty when `texts` is false
    bool texts = false;
    std::string secrets;

    Claim claim() const { return {ticket, attempt}; }
    JobRow row() const;  ///< with texts only if they are here
  };

  /// Takes the row's texts over if there is room for them.
  Entry& add(JobRow row, bool with_texts);
  Entry* find(std::int64_t ticket);
  /// The entry of a claim that is still good, else null.
  Entry* running(Claim claim);
  /// The first waiting job of that id, else null.
  Entry* pending(const std::string& owner, const std::string& id);
  /// The first job of that id in any state, else null.
  const Entry* oldest(std::string_view owner, std::string_view id) const;
  std::vector<Entry*> all_pending(const std::string& owner);
  std::vector<Entry*> expired(Clock::time_point now);

  Entry* take_next();             ///< pending → running, one attempt more
  void put_back(Entry& entry);    ///< running or leaving → pending
  void hold(Entry& entry);        ///< → leaving
  void erase(std::int64_t ticket);

  QueueCounts counts() const { return counts_; }
  QueueCounts counts_of(std::string_view owner) const;
  /// Tickets of the waiting jobs in the order of claiming.
  const std::vector<std::int64_t>& order();
  /// Running ones by ticket, then pending ones in the order of claiming.
  std::vector<const Entry*> running_entries(const std::string& owner) const;
  std::vector<const Entry*> pending_entries(const std::string& owner);

 private:
  QueueEntry place_of(const Entry& entry) const;
  /// Counts one more or less job of this state.
  void count(const Entry& entry, int change);

  std::unordered_map<std::int64_t, Entry> entries_;
  std::unordered_multimap<std::string, std::int64_t> by_id_;
  std::map<std::int64_t, Entry*> running_;  ///< running, and leaving from there
  std::map<std::int64_t, Entry*> leaving_;  ///< leaving from among the waiting
  FairQueue fair_;
  std::optional<std::vector<std::int64_t>> order_;  ///< of fair_, until it changes
  QueueCounts counts_;
  std::unordered_map<std::string, QueueCounts> counts_by_owner_;
  std::size_t user_running_;
  std::size_t text_bytes_ = 0;
};

}  // namespace darkroom
