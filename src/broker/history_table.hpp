#pragma once
// The table of finished jobs (sql/002_history.sql): what is written and read of it.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "broker/broker.hpp"
#include "messages/job.hpp"

namespace darkroom {

class Database;

/// The JSON texts of a result, made before the transaction.
struct ResultTexts {
  std::string outputs, status, meta, events;
};
ResultTexts texts_of(const JobResult& result);

/// Moves a job from `jobs` into `history`, at the place of an older entry of the same id where there is one.
/// Returns how many entries were added: 1, or 0 for a replaced one. Throws NotFound when the job is gone.
std::int64_t move_to_history(Database& database, std::int64_t ticket, const ResultTexts& texts, const JobSummary& summary);
/// Removes the `count` oldest entries of an owner.
void trim_history(Database& database, const std::string& owner, std::int64_t count);
std::int64_t delete_from_history(Database& database, const std::string& owner, const std::string& id);
std::int64_t clear_history(Database& database, const std::string& owner);
/// How many entries each owner has.
std::map<std::string, std::int64_t> history_sizes(Database& database);

/// Oldest first; damaged entries are left out, with a line in the log. `offset` as in Broker::history.
std::vector<HistoryEntry> read_history(Database& database, const std::string& owner, std::optional<std::int64_t> max_items, std::int64_t offset);
std::optional<HistoryEntry> read_history_of(Database& database, const std::string& owner, const std::string& id);

/// The files of all histories of a type, as `subfolder/filename`. Damaged entries name none.
NamedFiles read_named_files(Database& database, std::string_view type);

/// What sorting and paging a list of jobs needs of an entry.
struct ListingKey {
  std::int64_t place = 0, ticket = 0, create_time = 0, duration = 0;
};
std::vector<ListingKey> list_history(Database& database, const std::string& owner, const JobsFilter& filter);
std::optional<ListedJob> read_listed(Database& database, std::int64_t place);

}  // namespace darkroom
