#pragma once
// The table of waiting and running jobs (sql/001_jobs.sql): each function is one statement.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "messages/job.hpp"

namespace darkroom {

class Database;

/// A row of `jobs`. The texts are JSON.
struct JobRow {
  std::int64_t ticket = 0;
  std::string owner, id;
  json::value number;
  bool explicit_number = false;
  std::string client_id;
  bool has_client = false;
  bool running = false;
  int attempt = 0, losses = 0;
  std::int64_t create_time = 0;
  std::string workflow_id;
  std::string output_ids, extra_data, prompt, secrets, terms;
};

JobRow row_of(const Job& job, std::int64_t ticket);
/// Parses the texts. Throws InvalidInput when they are damaged.
Job job_of(const JobRow& row);

/// XXH3 of the texts that make up a prompt tuple.
std::int64_t check_of(const std::string& output_ids, const std::string& extra_data, const std::string& prompt);

void insert_job(Database& database, const JobRow& row);
/// All rows by ticket, without the texts but with their terms.
std::vector<JobRow> list_jobs(Database& database);
/// One row with its texts; nothing when it is gone. Throws InvalidInput when its texts are not what was written.
std::optional<JobRow> load_job(Database& database, std::int64_t ticket);
/// Several, in this order; nothing in the place of one that is gone or damaged, with a line in the log.
std::vector<std::optional<JobRow>> load_jobs(Database& database, const std::vector<std::int64_t>& tickets);
void update_job(Database& database, std::int64_t ticket, bool running, int attempt, int losses);
/// After a start: what ran when the last gateway died waits again. No loss is counted.
void requeue_running(Database& database);
/// Whose job it is; "" when it is gone.
std::string owner_of_job(Database& database, std::int64_t ticket);
void delete_job(Database& database, std::int64_t ticket);

}  // namespace darkroom
