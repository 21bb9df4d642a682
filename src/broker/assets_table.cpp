#include "broker/assets_table.hpp"

#include <fmt/format.h>

#include "broker/broker.hpp"
#include "broker/sqlite.hpp"

namespace darkroom {
namespace {

std::string select(std::string_view rest) {
  return fmt::format("SELECT id, owner, hash, size, content_type, file_path, file, created, submission_key FROM assets {}", rest);
}

std::optional<AssetRow> first(Statement& rows) {
  if (!rows.step()) return std::nullopt;
  return AssetRow{.id = rows.text(0),
                  .owner = rows.text(1),
                  .hash = rows.text(2),
                  .size = rows.integer(3),
                  .content_type = rows.text(4),
                  .file_path = rows.text(5),
                  .file = rows.text(6),
                  .created = rows.integer(7),
                  .submission_key = rows.text(8)};
}

}  // namespace

void insert_asset(Database& database, const AssetRow& row) {
  if (!row.submission_key.empty()) {
    if (asset_key_is_taken(database, row.owner, row.submission_key, row.created))
      throw Conflict("this idempotency key has been used already");
    database.prepare("UPDATE assets SET submission_key = NULL WHERE owner = ?1 AND submission_key = ?2")
        .bind(row.owner, row.submission_key)
        .run();
  }
  database
      .prepare(
          "INSERT INTO assets (id, owner, hash, size, content_type, file_path, file, created, submission_key)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULLIF(?9, ''))")
      .bind(row.id, row.owner, row.hash, row.size, row.content_type, row.file_path, row.file, row.created, row.submission_key)
      .run();
}

std::optional<AssetRow> find_asset(Database& database, const std::string& owner, const std::string& id) {
  static const std::string sql = select("WHERE owner = ?1 AND id = ?2");
  Statement rows = database.prepare(sql);
  return first(rows.bind(owner, id));
}

std::optional<AssetRow> find_asset_by_hash(Database& database, const std::string& owner, const std::string& hash) {
  static const std::string sql = select("WHERE owner = ?1 AND hash = ?2 ORDER BY created DESC LIMIT 1");
  Statement rows = database.prepare(sql);
  return first(rows.bind(owner, hash));
}

std::optional<AssetRow> find_asset_reference(Database& database, const std::string& owner, const std::string& hash,
                                             const std::string& file_path) {
  static const std::string sql = select("WHERE owner = ?1 AND hash = ?2 AND file_path = ?3 ORDER BY created DESC LIMIT 1");
  Statement rows = database.prepare(sql);
  return first(rows.bind(owner, hash, file_path));
}

bool asset_key_is_taken(Database& database, const std::string& owner, const std::string& key, std::int64_t now) {
  Statement rows = database.prepare("SELECT 1 FROM assets WHERE owner = ?1 AND submission_key = ?2 AND created > ?3");
  return rows.bind(owner, key, now - kKeyLifeMs).step();
}

AssetStore::Removed delete_asset(Database& database, const std::string& owner, const std::string& id) {
  const auto asset = find_asset(database, owner, id);
  if (!asset) return {};
  database.prepare("DELETE FROM assets WHERE owner = ?1 AND id = ?2").bind(owner, id).run();
  Statement others = database.prepare("SELECT 1 FROM assets WHERE owner = ?1 AND file = ?2 LIMIT 1");
  return {.there = true, .file_is_free = !others.bind(owner, asset->file).step()};
}

}  // namespace darkroom
