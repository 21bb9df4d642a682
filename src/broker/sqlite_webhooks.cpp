#include "broker/sqlite_webhooks.hpp"

#include "broker/webhooks_table.hpp"

namespace darkroom {

asio::awaitable<std::vector<WebhookMessage>> SqliteWebhooks::waiting() {
  auto query = [](Database& reading) { return list_webhooks(reading); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<std::optional<std::string>> SqliteWebhooks::body(std::int64_t seq) {
  auto query = [seq](Database& reading) { return load_webhook_body(reading, seq); };
  co_return co_await state_.readers.run(std::move(query));
}

asio::awaitable<void> SqliteWebhooks::tried(std::int64_t seq, int tries, std::int64_t next_try) {
  std::function<void(Database&)> apply = [seq, tries, next_try](Database& writing) { update_webhook(writing, seq, tries, next_try); };
  co_await state_.write(std::move(apply), false);
}

asio::awaitable<void> SqliteWebhooks::forget(std::int64_t seq) {
  std::function<void(Database&)> apply = [seq](Database& writing) { delete_webhook(writing, seq); };
  co_await state_.write(std::move(apply), false);
  state_.webhooks_waiting.remove(seq);
}

void SqliteWebhooks::on_message(std::function<void(WebhookMessage)> listener) { state_.webhook_listener = std::move(listener); }

}  // namespace darkroom
