#pragma once
// What SqliteBroker holds, and the steps that its calls share: private to sqlite_broker.cpp, sqlite_history.cpp and sqlite_state.cpp.

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/event_channel.hpp"
#include "broker/file_lock.hpp"
#include "broker/history_table.hpp"
#include "broker/queue_mirror.hpp"
#include "broker/reader_pool.hpp"
#include "broker/recent_history.hpp"
#include "broker/sqlite_broker.hpp"
#include "broker/waiting_webhooks.hpp"
#include "broker/webhook_store.hpp"
#include "broker/writer.hpp"

namespace darkroom {

struct SqliteBroker::State {
  State(const std::filesystem::path& file, BrokerLimits given, std::size_t most_webhooks);

  static constexpr std::size_t kReaders = 2;
  static constexpr std::int64_t kTrimmed = 64;  ///< entries of a long history that go at a time; of a short one less

  std::string path;
  BrokerLimits limits;
  FileLock lock;
  QueueMirror mirror{limits.user_running};
  std::int64_t next_ticket = 1, next_number = 0, next_webhook = 1;
  std::map<std::string, std::int64_t> history_sizes;  ///< by owner; the writer's alone once it runs
  std::shared_ptr<std::size_t> submitting = std::make_shared<std::size_t>(0);
  std::unordered_map<std::string, std::shared_ptr<std::size_t>> submitting_of;  ///< by owner
  Database database;               ///< the writer's alone once it runs
  std::optional<Writer> writer;
  ReaderPool readers{path, kReaders};
  RecentHistory recent;
  std::vector<std::function<void()>> change_listeners;
  EventChannel events;
  std::function<void(WebhookMessage)> webhook_listener;
  WaitingWebhooks webhooks_waiting;

  void changed();

  /// Runs `apply` in the next transaction and comes back when it is on disk, or throws what went wrong. Not `durable`: when it is
  /// in the file, for what the next start makes good after a loss of power.
  /// Give it a named function object: GCC 12 destroys a lambda twice that is made inside a co_await expression and converted.
  asio::awaitable<void> write(std::function<void(Database&)> apply, bool durable = true, std::int64_t subject = 0);
  /// The same without waiting: for what a crash may undo.
  void write_later(std::int64_t subject, std::function<void(Database&)> apply);

  void save_state(const QueueMirror::Entry& entry);
  /// Moves a held entry into the history, or puts it back as it was when that fails.
  asio::awaitable<void> end(std::int64_t ticket, JobResult result, std::function<void(QueueMirror::Entry&)> undo);
  /// The job of an entry, from memory or disk; nothing when what is stored can't be read.
  asio::awaitable<std::optional<Job>> job_of_entry(std::int64_t ticket);

  /// What the webhook of a job that leaves is to be told; null: nothing. Tickets are in the mirror until the job is gone.
  std::shared_ptr<const WebhookMessage> webhook_of(std::int64_t ticket, const JobResult& result);
  /// Says that messages are stored.
  void told_webhooks(const std::vector<std::shared_ptr<const WebhookMessage>>& messages);

  /// Notes that an owner has so many entries less; whoever has none is forgotten.
  void shrink_history(const std::string& owner, std::int64_t count);

 private:
  /// What the end of a job changed in the table beside its own new entry.
  struct HistoryChange {
    bool replaced = false;                        ///< an older entry of its id, at the place of that
    std::map<std::string, std::int64_t> trimmed;  ///< how many entries are left to whoever lost the oldest
  };
  void load();
  HistoryChange into_history(Database& writing, std::int64_t ticket, const ResultTexts& texts, const JobSummary& summary);
  void remember(const QueueMirror::Entry& entry, const ResultTexts& texts, JobSummary summary, const HistoryChange& change);
};

}  // namespace darkroom
