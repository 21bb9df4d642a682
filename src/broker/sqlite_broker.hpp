#pragma once
// The broker of one machine: a SQLite database in WAL mode, synced after every commit that somebody waits for, owned by the gateway.
//
// A mirror of the queue lives in memory (order, states, leases, and the texts of jobs while they are few), so that looking at
// the queue and claiming touch no disk. What must survive is written by one thread in groups (writer.hpp); history is read on
// a small pool with connections of its own. Claims are not waited for: if one is lost in a crash, the job just runs again.

#include <filesystem>
#include <memory>

#include "broker/asset_store.hpp"
#include "broker/broker.hpp"
#include "broker/restoration_store.hpp"
#include "broker/webhook_store.hpp"

namespace darkroom {

/// Limit: messages to webhooks that wait. Beyond: further jobs end without one, and the log says so. Fixed: bounds the database while
/// receivers are away. Edge: Webhooks.ALimitedNumberWaits.
constexpr std::size_t kMaxWebhooks = 100'000;

class SqliteBroker final : public Broker {
 public:
  /// Opens or makes the database. What ran when the last gateway died waits again, without a loss counted.
  /// Throws Conflict for a newer program's database or one that another process has open, Unavailable when it can't be opened.
  SqliteBroker(const std::filesystem::path& file, BrokerLimits limits, std::size_t max_webhooks = kMaxWebhooks);
  ~SqliteBroker() override;  ///< writes what is under way; no call may be pending

  using Broker::submit;
  asio::awaitable<void> submit(Job job, std::optional<SubmissionKey> key) override;
  asio::awaitable<std::optional<KeyUse>> key_use(std::string owner, std::string scope, std::string key) override;
  asio::awaitable<std::optional<ClaimedJob>> claim(std::chrono::milliseconds lease) override;
  asio::awaitable<bool> extend(Claim claim, std::chrono::milliseconds lease) override;
  asio::awaitable<bool> finish(Claim claim, JobResult result) override;
  asio::awaitable<bool> hand_back(Claim claim) override;
  asio::awaitable<Lost> lose(Claim claim) override;
  asio::awaitable<std::vector<Claim>> expire_leases() override;
  asio::awaitable<std::size_t> delete_pending(std::string owner, std::vector<std::string> ids) override;
  asio::awaitable<std::size_t> clear_pending(std::string owner) override;
  asio::awaitable<bool> cancel_pending(std::string owner, std::string id, JobResult result) override;

  QueueCounts counts() const override;
  QueueCounts counts_of(std::string_view owner) const override;
  const std::vector<std::int64_t>& order() const override;
  asio::awaitable<QueueView> queue(std::string owner) override;
  std::optional<Queued> queued(std::string_view owner, std::string_view id) const override;
  std::int64_t next_number() override;
  void on_change(std::function<void()> listener) override;

  asio::awaitable<std::vector<HistoryEntry>> history(std::string owner, std::optional<std::int64_t> max_items, std::int64_t offset) override;
  asio::awaitable<std::optional<HistoryEntry>> history_of(std::string owner, std::string id) override;
  asio::awaitable<void> delete_history(std::string owner, std::vector<std::string> ids) override;
  asio::awaitable<void> clear_history(std::string owner) override;
  asio::awaitable<NamedFiles> named_files(std::string type) override;
  asio::awaitable<JobsPage> jobs(std::string owner, JobsFilter filter) override;

  void publish(const Record& event) override;
  std::shared_ptr<void> subscribe(EventListener listener) override;
  asio::awaitable<void> keep_schemas(std::string key, std::string schemas) override;
  asio::awaitable<std::optional<std::string>> kept_schemas(std::string key) override;

  RestorationStore& restorations();  ///< lives as long as the broker
  WebhookStore& webhooks();          ///< likewise
  AssetStore& assets();              ///< likewise

  std::uint64_t commits() const;  ///< transactions so far: what group commit saves

 private:
  friend class SqliteAssets;
  friend class SqliteRestorations;
  friend class SqliteWebhooks;
  struct State;
  std::unique_ptr<State> state_;
  std::unique_ptr<RestorationStore> restorations_;
  std::unique_ptr<AssetStore> assets_;
  std::unique_ptr<WebhookStore> webhooks_;
};

}  // namespace darkroom
