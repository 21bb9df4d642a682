#include "broker/history_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "broker/jobs_table.hpp"
#include "broker/sqlite.hpp"

namespace darkroom {
namespace {

std::int64_t check_of_result(const std::string& outputs, const std::string& status, const std::string& meta, const std::string& preview,
                             const std::string& error) {
  const Hash128 first = hash128(outputs);
  return static_cast<std::int64_t>(hash128(fmt::format("{:x}|{}|{}|{}|{}", first.low, status, meta, preview, error)).low);
}

/// Every read of whole entries selects these columns.
constexpr std::string_view kColumns =
    "id, number, prompt, extra_data, output_ids, outputs, status, meta, state, create_time, started, ended, workflow_id,"
    " outputs_count, preview, error, job_check, result_check, terms";

/// With their events, which are long and few ask for, or without.
enum class Events { kWith, kWithout };

std::string select(std::string_view rest, Events events = Events::kWithout) {
  return fmt::format("SELECT {}, {} FROM history {}", kColumns, events == Events::kWith ? "events" : "''", rest);
}

/// The current row, or nothing when its texts are not what was written.
std::optional<HistoryEntry> entry_of(const Statement& row) {
  HistoryEntry entry{.id = row.text(0),
                     .number = row.number(1),
                     .prompt = row.text(2),
                     .extra_data = row.text(3),
                     .output_ids = row.text(4),
                     .outputs = row.text(5),
                     .status = row.text(6),
                     .meta = row.text(7),
                     .summary = {.status = row.text(8),
                                 .create_time = row.integer(9),
                                 .started = row.integer(10),
                                 .ended = row.integer(11),
                                 .outputs_count = row.integer(13),
                                 .workflow_id = row.text(12),
                                 .preview = row.text(14),
                                 .error = row.text(15)},
                     .terms = row.text(18),
                     .events = row.text(19)};
  if (row.integer(16) == check_of(entry.output_ids, entry.extra_data, entry.prompt) &&
      row.integer(17) == check_of_result(entry.outputs, entry.status, entry.meta, entry.summary.preview, entry.summary.error))
    return entry;
  log::error("the history entry of {} is damaged and is left out", entry.id);
  return std::nullopt;
}

/// Wherever in the outputs a file of `type` is named: `{"filename", "subfolder", "type"}`.
void add_named_files(std::unordered_set<std::string>& names, const json::value& outputs, std::string_view type) {
  if (const auto* list = outputs.if_array()) {
    for (const auto& item : *list) add_named_files(names, item, type);
  } else if (const auto* object = outputs.if_object()) {
    const auto name = find_string(*object, "filename");
    if (name && string_or(*object, "type", "") == type) {
      const std::string subfolder = string_or(*object, "subfolder", "");
      names.insert(subfolder.empty() ? *name : subfolder + "/" + *name);
    }
    for (const auto& [key, item] : *object) add_named_files(names, item, type);
  }
}

}  // namespace

void HistoryEntry::append_entry(std::string& out) const {
  out += "{\"prompt\":[";
  dump_to(out, number);
  out += ',';
  dump_to(out, json::value(id));
  ((((((out += ',') += prompt) += ',') += extra_data) += ',') += output_ids) += ']';
  (((((out += ",\"outputs\":") += outputs) += ",\"status\":") += status) += ",\"meta\":") += meta;
  out += '}';
}

ResultTexts texts_of(const JobResult& result) {
  ResultTexts texts;
  dump_to(texts.outputs, result.outputs);
  dump_to(texts.meta, result.meta);
  texts.events = result.events;
  json::object status{{"status_str", result.status}, {"completed", result.completed}, {"messages", result.messages}};
  if (!result.precision.empty()) status.emplace("precision", result.precision);  // not ComfyUI's: clients take the keys they know
  dump_to(texts.status, status);
  return texts;
}

std::int64_t move_to_history(Database& database, std::int64_t ticket, const ResultTexts& texts, const JobSummary& summary) {
  const bool replaces = [&] {
    Statement older = database.prepare("SELECT 1 FROM history JOIN jobs USING (owner, id) WHERE jobs.ticket = ?1");
    return older.bind(ticket).step();
  }();
  const std::int64_t check = check_of_result(texts.outputs, texts.status, texts.meta, summary.preview, summary.error);
  database
      .prepare(
          "INSERT INTO history (owner, id, ticket, number, state, create_time, started, ended, workflow_id, outputs_count, job_check,"
          " result_check, preview, error, status, meta, outputs, events, output_ids, extra_data, prompt, terms)"
          " SELECT owner, id, ticket, number, ?2, create_time, ?3, ?4, workflow_id, ?5, job_check, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
          " output_ids, extra_data, prompt, terms FROM jobs WHERE ticket = ?1"
          " ON CONFLICT (owner, id) DO UPDATE SET ticket = excluded.ticket, number = excluded.number, state = excluded.state,"
          " create_time = excluded.create_time, started = excluded.started, ended = excluded.ended, workflow_id = excluded.workflow_id,"
          " outputs_count = excluded.outputs_count, job_check = excluded.job_check, result_check = excluded.result_check,"
          " preview = excluded.preview, error = excluded.error, status = excluded.status, meta = excluded.meta,"
          " outputs = excluded.outputs, output_ids = excluded.output_ids, extra_data = excluded.extra_data, prompt = excluded.prompt,"
          " terms = excluded.terms, events = excluded.events")
      .bind(ticket, summary.status, summary.started, summary.ended, summary.outputs_count, check, summary.preview, summary.error,
            texts.status, texts.meta, texts.outputs, texts.events)
      .run();
  if (database.changes() == 0) throw NotFound(fmt::format("job {} is not in the queue's table", ticket));
  delete_job(database, ticket);
  return replaces ? 0 : 1;
}

void trim_history(Database& database, const std::string& owner, std::int64_t count) {
  database.prepare("DELETE FROM history WHERE place IN (SELECT place FROM history WHERE owner = ?1 ORDER BY place LIMIT ?2)").bind(owner, count).run();
}

std::map<std::string, std::int64_t> history_sizes(Database& database) {
  std::map<std::string, std::int64_t> sizes;
  Statement rows = database.prepare("SELECT owner, count(*) FROM history GROUP BY owner");
  while (rows.step()) sizes[rows.text(0)] = rows.integer(1);
  return sizes;
}

std::int64_t delete_from_history(Database& database, const std::string& owner, const std::string& id) {
  database.prepare("DELETE FROM history WHERE owner = ?1 AND id = ?2").bind(owner, id).run();
  return database.changes();
}

std::int64_t clear_history(Database& database, const std::string& owner) {
  database.prepare("DELETE FROM history WHERE owner = ?1").bind(owner).run();
  return database.changes();
}

std::vector<HistoryEntry> read_history(Database& database, const std::string& owner, std::optional<std::int64_t> max_items,
                                       std::int64_t offset) {
  const bool last_ones = max_items && offset < 0;
  static const std::string forwards = select("WHERE owner = ?1 ORDER BY place LIMIT ?2 OFFSET ?3");
  static const std::string backwards = select("WHERE owner = ?1 ORDER BY place DESC LIMIT ?2 OFFSET ?3");
  std::vector<HistoryEntry> entries;
  if (max_items && *max_items <= 0) return entries;
  Statement rows = database.prepare(last_ones ? backwards : forwards);
  rows.bind(owner, max_items.value_or(-1), std::max<std::int64_t>(offset, 0));
  while (rows.step())
    if (auto entry = entry_of(rows)) entries.push_back(std::move(*entry));
  if (last_ones) std::ranges::reverse(entries);
  return entries;
}

std::optional<HistoryEntry> read_history_of(Database& database, const std::string& owner, const std::string& id) {
  static const std::string sql = select("WHERE owner = ?1 AND id = ?2", Events::kWith);
  Statement rows = database.prepare(sql);
  rows.bind(owner, id);
  return rows.step() ? entry_of(rows) : std::nullopt;
}

NamedFiles read_named_files(Database& database, std::string_view type) {
  // Few histories name files of the temp folder: the others are not parsed.
  Statement rows = database.prepare("SELECT owner, outputs FROM history WHERE instr(outputs, ?1) > 0");
  const std::string mark = fmt::format("\"type\":{}", dump(json::value(type)));
  rows.bind(mark);
  NamedFiles names;
  while (rows.step()) {
    try {
      add_named_files(names[rows.text(0)], parse_json(rows.text(1), {.max_bytes = 1u << 30}), type);
    } catch (const Error& error) {
      log::error("the outputs of a history entry can't be read: {}", error.what());
    }
  }
  return names;
}

std::vector<ListingKey> list_history(Database& database, const std::string& owner, const JobsFilter& filter) {
  Statement rows = database.prepare(
      "SELECT place, ticket, create_time, ended - started, state FROM history WHERE owner = ?1 AND (?2 = '' OR workflow_id = ?2)"
      " ORDER BY place");
  rows.bind(owner, filter.workflow_id);
  std::vector<ListingKey> keys;
  while (rows.step())
    if (filter.status.empty() || std::ranges::find(filter.status, rows.text(4)) != filter.status.end())
      keys.push_back({rows.integer(0), rows.integer(1), rows.integer(2), rows.integer(3)});
  return keys;
}

std::optional<ListedJob> read_listed(Database& database, std::int64_t place) {
  static const std::string sql = select("WHERE place = ?1");
  Statement rows = database.prepare(sql);
  rows.bind(place);
  if (!rows.step()) return std::nullopt;
  auto entry = entry_of(rows);
  if (!entry) return std::nullopt;
  return ListedJob{std::move(entry->id), std::move(entry->number), std::move(entry->summary), std::move(entry->terms)};
}

}  // namespace darkroom
