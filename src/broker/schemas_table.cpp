#include "broker/schemas_table.hpp"

#include "base/text.hpp"
#include "broker/sqlite.hpp"

namespace darkroom {
namespace {

/// Limit: worker programs whose node classes are kept. Beyond: the oldest go. Fixed: one is in use. Edge:
/// BrokerConformance.SchemasAreKeptByBuild.
constexpr std::int64_t kKeptSchemas = 4;

}  // namespace

void save_schemas(Database& database, const std::string& key, const std::string& schemas) {
  database
      .prepare("INSERT INTO schemas (owner, key, saved, schemas) VALUES ('local', ?1, ?2, ?3)"
               " ON CONFLICT (owner, key) DO UPDATE SET saved = excluded.saved, schemas = excluded.schemas")
      .bind(key, now_ms(), schemas)
      .run();
  database.prepare("DELETE FROM schemas WHERE key NOT IN (SELECT key FROM schemas ORDER BY saved DESC, rowid DESC LIMIT ?1)")
      .bind(kKeptSchemas)
      .run();
}

std::optional<std::string> load_schemas(Database& database, const std::string& key) {
  Statement select = database.prepare("SELECT schemas FROM schemas WHERE owner = 'local' AND key = ?1");
  select.bind(key);
  if (!select.step()) return std::nullopt;
  return select.text(0);
}

}  // namespace darkroom
