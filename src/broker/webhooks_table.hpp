#pragma once
// The table of messages to webhooks (sql/006_webhooks.sql): each function is one statement.

#include "broker/webhook_store.hpp"

namespace darkroom {

class Database;

void insert_webhook(Database& database, const WebhookMessage& message);
/// Without bodies, by seq.
std::vector<WebhookMessage> list_webhooks(Database& database);
std::optional<std::string> load_webhook_body(Database& database, std::int64_t seq);
void update_webhook(Database& database, std::int64_t seq, int tries, std::int64_t next_try);
void delete_webhook(Database& database, std::int64_t seq);

}  // namespace darkroom
