#pragma once
// WebhookStore in the broker's database: private to the broker.

#include "broker/sqlite_state.hpp"
#include "broker/webhook_store.hpp"

namespace darkroom {

class SqliteWebhooks final : public WebhookStore {
 public:
  explicit SqliteWebhooks(SqliteBroker::State& state) : state_(state) {}

  asio::awaitable<std::vector<WebhookMessage>> waiting() override;
  asio::awaitable<std::optional<std::string>> body(std::int64_t seq) override;
  asio::awaitable<void> tried(std::int64_t seq, int tries, std::int64_t next_try) override;
  asio::awaitable<void> forget(std::int64_t seq) override;
  void on_message(std::function<void(WebhookMessage)> listener) override;

 private:
  SqliteBroker::State& state_;
};

}  // namespace darkroom
