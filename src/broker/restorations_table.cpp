#include "broker/restorations_table.hpp"

#include "broker/sqlite.hpp"

namespace darkroom {
namespace {

RestorationRow row_at(const Statement& rows) {
  return {.owner = rows.text(0), .id = rows.text(1), .ended = rows.integer(2), .record = rows.text(3)};
}

std::vector<RestorationRow> all(Statement& rows) {
  std::vector<RestorationRow> list;
  while (rows.step()) list.push_back(row_at(rows));
  return list;
}

}  // namespace

void save_restoration(Database& database, const RestorationRow& row, const std::vector<RestorationMessage>& messages) {
  database
      .prepare("INSERT INTO restorations (owner, id, ended, record) VALUES (?1, ?2, ?3, ?4)"
               " ON CONFLICT (owner, id) DO UPDATE SET ended = excluded.ended, record = excluded.record")
      .bind(row.owner, row.id, row.ended, row.record)
      .run();
  for (const RestorationMessage& message : messages)
    database
        .prepare("INSERT OR REPLACE INTO restoration_messages (place, seq, body)"
                 " SELECT place, ?3, ?4 FROM restorations WHERE owner = ?1 AND id = ?2")
        .bind(row.owner, row.id, message.seq, message.body)
        .run();
}

std::optional<RestorationRow> find_restoration(Database& database, const std::string& owner, const std::string& id) {
  Statement rows = database.prepare("SELECT owner, id, ended, record FROM restorations WHERE owner = ?1 AND id = ?2");
  rows.bind(owner, id);
  if (!rows.step()) return std::nullopt;
  return row_at(rows);
}

std::vector<RestorationRow> list_restorations(Database& database, const std::string& owner, std::int64_t limit) {
  Statement rows = database.prepare("SELECT owner, id, ended, record FROM restorations WHERE owner = ?1 ORDER BY place DESC LIMIT ?2");
  rows.bind(owner, limit);
  return all(rows);
}

std::vector<RestorationRow> unended_restorations(Database& database) {
  Statement rows = database.prepare("SELECT owner, id, ended, record FROM restorations WHERE ended = 0 ORDER BY place");
  return all(rows);
}

std::vector<RestorationRow> restorations_ended_before(Database& database, std::int64_t moment) {
  Statement rows = database.prepare("SELECT owner, id, ended, record FROM restorations WHERE ended > 0 AND ended < ?1 ORDER BY ended");
  rows.bind(moment);
  return all(rows);
}

std::vector<RestorationMessage> restoration_messages(Database& database, const std::string& owner, const std::string& id, std::int64_t after) {
  Statement rows = database.prepare(
      "SELECT seq, body FROM restoration_messages WHERE place = (SELECT place FROM restorations WHERE owner = ?1 AND id = ?2) AND seq > ?3 ORDER BY seq");
  rows.bind(owner, id, after);
  std::vector<RestorationMessage> list;
  while (rows.step()) list.push_back({rows.integer(0), rows.text(1)});
  return list;
}

void forget_restoration(Database& database, const std::string& owner, const std::string& id) {
  database.prepare("DELETE FROM restoration_messages WHERE place = (SELECT place FROM restorations WHERE owner = ?1 AND id = ?2)")
      .bind(owner, id)
      .run();
  database.prepare("DELETE FROM restorations WHERE owner = ?1 AND id = ?2").bind(owner, id).run();
}

}  // namespace darkroom
