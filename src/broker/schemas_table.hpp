#pragma once
// The table of node schemas that workers told, by what is known of a worker before it starts (sql/003_schemas.sql).

#include <optional>
#include <string>

namespace darkroom {

class Database;

/// Keeps them, and forgets the oldest beyond a few.
void save_schemas(Database& database, const std::string& key, const std::string& schemas);
std::optional<std::string> load_schemas(Database& database, const std::string& key);

}  // namespace darkroom
