#include "broker/webhooks_table.hpp"

#include "broker/sqlite.hpp"

namespace darkroom {

void insert_webhook(Database& database, const WebhookMessage& message) {
  database.prepare("INSERT INTO webhooks (seq, id, owner, url, made, tries, next_try, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
      .bind(message.seq, message.id, message.owner, message.url, message.made, message.tries, message.next_try, message.body)
      .run();
}

std::vector<WebhookMessage> list_webhooks(Database& database) {
  Statement rows = database.prepare("SELECT seq, id, owner, url, made, tries, next_try FROM webhooks ORDER BY seq");
  std::vector<WebhookMessage> list;
  while (rows.step())
    list.push_back({.seq = rows.integer(0),
                    .id = rows.text(1),
                    .owner = rows.text(2),
                    .url = rows.text(3),
                    .made = rows.integer(4),
                    .tries = static_cast<int>(rows.integer(5)),
                    .next_try = rows.integer(6),
                    .body = ""});
  return list;
}

std::optional<std::string> load_webhook_body(Database& database, std::int64_t seq) {
  Statement row = database.prepare("SELECT body FROM webhooks WHERE seq = ?1");
  if (!row.bind(seq).step()) return std::nullopt;
  return row.text(0);
}

void update_webhook(Database& database, std::int64_t seq, int tries, std::int64_t next_try) {
  database.prepare("UPDATE webhooks SET tries = ?2, next_try = ?3 WHERE seq = ?1").bind(seq, tries, next_try).run();
}

void delete_webhook(Database& database, std::int64_t seq) { database.prepare("DELETE FROM webhooks WHERE seq = ?1").bind(seq).run(); }

}  // namespace darkroom
