#include "gateway/jobs_view.hpp"

#include <algorithm>

#include "gateway/json_text.hpp"

namespace darkroom::jobs_view {

std::string listed(const ListedJob& job) {
  const JobSummary& summary = job.summary;
  std::string out = "{\"id\":";
  append_text(out, job.id);
  append_text(out += ",\"status\":", summary.status);
  dump_to(out += ",\"priority\":", job.number);
  if (summary.create_time) append_integer(out += ",\"create_time\":", summary.create_time);
  if (summary.started) append_integer(out += ",\"execution_start_time\":", summary.started);
  if (summary.ended) append_integer(out += ",\"execution_end_time\":", summary.ended);
  if (!summary.error.empty()) (out += ",\"execution_error\":") += summary.error;
  append_integer(out += ",\"outputs_count\":", summary.outputs_count);
  if (!summary.preview.empty()) (out += ",\"preview_output\":") += summary.preview;
  if (!summary.workflow_id.empty()) append_text(out += ",\"workflow_id\":", summary.workflow_id);
  out += '}';
  return out;
}

std::string finished(const HistoryEntry& entry) {
  std::string out = listed({entry.id, entry.number, entry.summary});
  out.pop_back();
  (out += ",\"outputs\":") += entry.outputs;
  (out += ",\"execution_status\":") += entry.status;
  (out += ",\"workflow\":{\"prompt\":") += entry.prompt;
  (out += ",\"extra_data\":") += entry.extra_data;
  out += "}}";
  return out;
}

std::string queued(const QueuedJob& job, const char* status) {
  return listed({job.id, job.number, {.status = status, .create_time = job.create_time, .workflow_id = job.workflow_id}});
}

std::string waiting(const QueuedJob& job, std::int64_t position, std::optional<double> seconds) {
  std::string out = queued(job, "pending");
  out.pop_back();
  append_integer(out += ",\"queue_position\":", position);
  dump_to(out += ",\"estimated_wait_s\":", seconds ? json::value(*seconds) : json::value());
  out += '}';
  return out;
}

std::string page(const JobsPage& page, const JobsFilter& filter) {
  std::string out = "{\"jobs\":[";
  for (const ListedJob& job : page.jobs) {
    if (out.back() != '[') out += ',';
    out += listed(job);
  }
  const std::int64_t offset = std::max<std::int64_t>(filter.offset, 0);
  append_integer(out += "],\"pagination\":{\"offset\":", offset);
  out += ",\"limit\":";
  if (filter.limit) append_integer(out, *filter.limit);
  else out += "null";
  append_integer(out += ",\"total\":", page.total);
  const bool more = filter.limit && offset + *filter.limit < page.total;
  out += more ? ",\"has_more\":true}}" : ",\"has_more\":false}}";
  return out;
}

}  // namespace darkroom::jobs_view
