#pragma once
// The table of keys of submissions (sql/005_terms_and_assets.sql).

#include <optional>
#include <string>

#include "broker/broker.hpp"
#include "broker/jobs_table.hpp"

namespace darkroom {

class Database;

/// What a key younger than kKeyLifeMs was used for. `now`: ms since 1970.
std::optional<KeyUse> find_submission_key(Database& database, const std::string& owner, const std::string& scope, const std::string& key,
                                          std::int64_t now);
/// Throws KeyTaken where it is in use; forgets keys that are too old.
void take_submission_key(Database& database, const SubmissionKey& key, const JobRow& job, std::int64_t now);

}  // namespace darkroom
