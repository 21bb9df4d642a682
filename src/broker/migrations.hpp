#pragma once
// Brings a database to the form that this program knows: the numbered files of sql/, compiled in, in one transaction.

#include <string>
#include <string_view>
#include <vector>

namespace darkroom {

class Database;

struct Migration {
  std::string_view name;  ///< "002_history.sql": the number in front is the version that it leads to
  std::string_view sql;
  int version() const;
};

/// Those of sql/, in order.
const std::vector<Migration>& embedded_migrations();

/// Applies what is missing. Throws Conflict, in one line, for a database of a newer program; a failing file changes nothing.
void migrate(Database& database, const std::vector<Migration>& migrations = embedded_migrations());

}  // namespace darkroom
