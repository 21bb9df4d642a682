#include "broker/jobs_table.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "broker/job_summary.hpp"
#include "broker/sqlite.hpp"

namespace darkroom {
namespace {

constexpr JsonLimits kStored = {.max_bytes = 1u << 30, .max_depth = 300};

json::object object_of(const std::string& text) {
  json::value value = parse_json(text, kStored);
  if (!value.is_object()) throw InvalidInput("a stored object is none");
  return std::move(value.get_object());
}

}  // namespace

JobRow row_of(const Job& job, std::int64_t ticket) {
  JobRow row{.ticket = ticket,
             .owner = job.owner,
             .id = job.id,
             .number = job.number,
             .explicit_number = job.explicit_number,
             .client_id = job.client_id,
             .has_client = job.has_client,
             .create_time = job.create_time,
             .workflow_id = workflow_id_of(job.extra_data),
             .terms = job.terms.text()};
  dump_to(row.output_ids, json::value(json::array(job.outputs.begin(), job.outputs.end())));
  dump_to(row.extra_data, job.extra_data);
  dump_to(row.prompt, job.prompt);
  dump_to(row.secrets, job.secrets);
  return row;
}

Job job_of(const JobRow& row) {
  Job job;
  job.id = row.id;
  job.number = row.number;
  job.explicit_number = row.explicit_number;
  job.owner = row.owner;
  job.client_id = row.client_id;
  job.has_client = row.has_client;
  job.attempt = row.attempt;
  job.create_time = row.create_time;
  job.prompt = object_of(row.prompt);
  job.extra_data = object_of(row.extra_data);
  job.secrets = object_of(row.secrets);
  job.terms = JobTerms::of(row.terms);
  const json::value outputs = parse_json(row.output_ids, kStored);
  if (!outputs.is_array()) throw InvalidInput("a stored list is none");
  for (const auto& id : outputs.get_array()) job.outputs.push_back(python_str(id));
  return job;
}

std::int64_t check_of(const std::string& output_ids, const std::string& extra_data, const std::string& prompt) {
  const Hash128 first = hash128(prompt);
  const Hash128 rest = hash128(fmt::format("{:x}|{}|{}", first.low, output_ids, extra_data));
  return static_cast<std::int64_t>(rest.low);
}

void insert_job(Database& database, const JobRow& row) {
  Statement insert = database.prepare(
      "INSERT INTO jobs (ticket, owner, id, number, explicit_number, client_id, create_time, workflow_id, job_check, output_ids,"
      " extra_data, prompt, secrets, terms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
  const std::int64_t check = check_of(row.output_ids, row.extra_data, row.prompt);
  const auto bind = [&](const auto& client) {
    insert.bind(row.ticket, row.owner, row.id, row.number, row.explicit_number, client, row.create_time, row.workflow_id, check,
                row.output_ids, row.extra_data, row.prompt, row.secrets, row.terms);
  };
  if (row.has_client) bind(row.client_id);
  else bind(nullptr);
  insert.run();
}

std::vector<JobRow> list_jobs(Database& database) {
  Statement select = database.prepare(
      "SELECT ticket, owner, id, number, explicit_number, client_id, state, attempt, losses, create_time, workflow_id, terms FROM jobs"
      " ORDER BY ticket");
  std::vector<JobRow> rows;
  while (select.step())
    rows.push_back({.ticket = select.integer(0),
                    .owner = select.text(1),
                    .id = select.text(2),
                    .number = select.number(3),
                    .explicit_number = select.integer(4) != 0,
                    .client_id = select.text(5),
                    .has_client = !select.is_null(5),
                    .running = select.integer(6) != 0,
                    .attempt = static_cast<int>(select.integer(7)),
                    .losses = static_cast<int>(select.integer(8)),
                    .create_time = select.integer(9),
                    .workflow_id = select.text(10),
                    .terms = select.text(11)});
  return rows;
}

std::optional<JobRow> load_job(Database& database, std::int64_t ticket) {
  Statement select = database.prepare(
      "SELECT owner, id, number, explicit_number, client_id, attempt, losses, create_time, workflow_id, output_ids, extra_data,"
      " prompt, secrets, job_check, terms FROM jobs WHERE ticket = ?1");
  select.bind(ticket);
  if (!select.step()) return std::nullopt;
  JobRow row{.ticket = ticket,
             .owner = select.text(0),
             .id = select.text(1),
             .number = select.number(2),
             .explicit_number = select.integer(3) != 0,
             .client_id = select.text(4),
             .has_client = !select.is_null(4),
             .attempt = static_cast<int>(select.integer(5)),
             .losses = static_cast<int>(select.integer(6)),
             .create_time = select.integer(7),
             .workflow_id = select.text(8),
             .output_ids = select.text(9),
             .extra_data = select.text(10),
             .prompt = select.text(11),
             .secrets = select.text(12),
             .terms = select.text(14)};
  if (select.integer(13) != check_of(row.output_ids, row.extra_data, row.prompt))
    throw InvalidInput(fmt::format("the stored job {} is damaged", row.id));
  return row;
}

std::vector<std::optional<JobRow>> load_jobs(Database& database, const std::vector<std::int64_t>& tickets) {
  std::vector<std::optional<JobRow>> found;
  for (const std::int64_t ticket : tickets) {
    try {
      found.push_back(load_job(database, ticket));
    } catch (const Error& error) {
      log::error("{}", error.what());
      found.emplace_back();
    }
  }
  return found;
}

void update_job(Database& database, std::int64_t ticket, bool running, int attempt, int losses) {
  database.prepare("UPDATE jobs SET state = ?2, attempt = ?3, losses = ?4 WHERE ticket = ?1").bind(ticket, running, attempt, losses).run();
}

void requeue_running(Database& database) { database.prepare("UPDATE jobs SET state = 0 WHERE state = 1").run(); }

std::string owner_of_job(Database& database, std::int64_t ticket) {
  Statement select = database.prepare("SELECT owner FROM jobs WHERE ticket = ?1");
  return select.bind(ticket).step() ? select.text(0) : "";
}

void delete_job(Database& database, std::int64_t ticket) {
  database.prepare("DELETE FROM jobs WHERE ticket = ?1").bind(ticket).run();
}

}  // namespace darkroom
