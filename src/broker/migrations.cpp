#include "broker/migrations.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/error.hpp"
#include "broker/sqlite.hpp"

namespace darkroom {

int Migration::version() const {
  int number = 0;
  std::from_chars(name.data(), name.data() + name.size(), number);
  return number;
}

void migrate(Database& database, const std::vector<Migration>& migrations) {
  const int known = migrations.empty() ? 0 : migrations.back().version();
  const auto present = static_cast<int>(database.scalar("PRAGMA user_version"));
  if (present > known)
    throw Conflict(fmt::format("the database has version {} and this program knows versions up to {}: start a newer darkroom, or give "
                               "another --base-directory", present, known));
  if (present == known) return;
  database.execute("BEGIN IMMEDIATE");
  try {
    for (const Migration& migration : migrations)
      if (migration.version() > present) database.execute(std::string(migration.sql));
    database.execute(fmt::format("PRAGMA user_version={}", known));
    database.execute("COMMIT");
  } catch (...) {
    database.execute("ROLLBACK");
    throw;
  }
}

}  // namespace darkroom
