#include "gateway/v2/jobs.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/job_events.hpp"
#include "gateway/services.hpp"
#include "gateway/v2/assets.hpp"
#include "gateway/v2/reply.hpp"
#include "storage/folders.hpp"

namespace darkroom::v2 {
namespace {

const char* kind_of(const json::object& output) {
  const std::string type = content_type_of(string_or(output, "filename", ""));
  if (string_or(output, "key", "") == "latents" || string_or(output, "filename", "").ends_with(".latent")) return "latent";
  for (const char* kind : {"image", "video", "audio", "text"})
    if (type.starts_with(std::string(kind) + "/")) return kind;
  return "file";
}

/// What a program tells apart: our own kinds of failure, and those of nodes.
const char* error_code(const std::string& exception) {
  if (exception == "TimeoutError") return "job_timeout";
  if (exception == "WorkerLost") return "worker_lost";
  if (exception == "MemoryError") return "out_of_memory";
  return "node_execution_error";
}

json::value error_of(const std::string& text) {
  if (text.empty()) return nullptr;
  const json::object failure = parse_json(text, {.max_bytes = 1u << 30}).as_object();
  json::object error{{"code", error_code(string_or(failure, "exception_type", ""))},
                     {"message", std::string(trim(string_or(failure, "exception_message", "")))},
                     {"node_id", string_or(failure, "node_id", "")},
                     {"class_type", string_or(failure, "node_type", "")}};
  std::string traceback;
  if (const auto* lines = find_array(failure, "traceback"))
    for (const auto& line : *lines) traceback += python_str(line);
  if (!traceback.empty()) error.emplace("traceback", std::move(traceback));
  return error;
}

/// A job in the queue.
JobFacts facts_of(const Broker::Queued& queued, const JobEvents* events, JobDesk& desk) {
  JobFacts job{
      .id = queued.job->id, .status = "queued", .created = queued.job->create_time, .labels = JobTerms::of(queued.job->terms).labels};
  if (!queued.running) job.position = desk.broker().position(queued.job->ticket);
  if (job.position) job.wait_s = desk.estimated_wait(*job.position);
  if (!events) return job;
  job.status = events->is_canceling() ? "canceling" : events->started() ? "running" : "queued";
  job.started = events->started();
  if (events->started()) job.progress = events->progress().to_json();
  for (const NumberedEvent& event : events->events())
    if (event.name == "output") job.outputs.push_back(event.data);
  return job;
}

}  // namespace

std::string status_word(const std::string& status) {
  if (status == "pending") return "queued";
  if (status == "in_progress") return "running";
  if (status == "completed") return "succeeded";
  return status == "cancelled" ? "canceled" : status;
}

JobFacts facts_of(const HistoryEntry& entry) {
  JobFacts job{.id = entry.id,
               .status = status_word(entry.summary.status),
               .created = entry.summary.create_time,
               .started = entry.summary.started,
               .ended = entry.summary.ended,
               .error = error_of(entry.summary.error),
               .labels = JobTerms::of(entry.terms).labels};
  const json::value outputs = parse_json(entry.outputs, {.max_bytes = 1u << 30});
  for (const auto& [node, ui] : outputs.as_object())
    if (ui.is_object())
      for (json::object& file : files_in(std::string(node), ui.get_object())) job.outputs.push_back(std::move(file));
  return job;
}

asio::awaitable<std::optional<JobFacts>> find_job(Services& services, std::string user, std::string id) {
  Broker& broker = services.jobs.broker();
  const auto queued = broker.queued(user, id);
  if (queued) co_return facts_of(*queued, services.jobs.events_of(user, id).get(), services.jobs);
  const auto entry = co_await broker.history_of(user, id);
  if (!entry) co_return std::nullopt;
  co_return facts_of(*entry);
}

json::object output_json(const json::object& output, const std::string& job_id, const Folders& folders, const std::string& base) {
  const ResultFile file{.type = string_or(output, "type", "output"),
                        .subfolder = string_or(output, "subfolder", ""),
                        .filename = string_or(output, "filename", ""),
                        .job_id = job_id};
  const auto asset = result_asset(folders, file);
  const std::string id = id_of(file);
  return {{"node_id", string_or(output, "node_id", "")},
          {"name", file.filename},
          {"type", kind_of(output)},
          {"content_type", content_type_of(file.filename)},
          {"size_bytes", asset ? asset->size : 0},
          {"id", id},
          {"hash", nullptr},
          {"url", base + "/api/v2/assets/" + id + "/content"},
          {"url_expires_at", a_year_after(now_ms())},
          {"job_id", job_id}};
}

json::object job_json(const JobFacts& job, const Folders& folders, const Request& request) {
  const std::string base = base_address(request), self = outer_prefix(request) + "/api/v2/jobs/" + percent_encode(job.id);
  json::array outputs;
  for (const json::object& output : job.outputs) outputs.push_back(output_json(output, job.id, folders, base));
  const auto between = [](std::int64_t from, std::int64_t to) {
    return from > 0 && to > 0 ? json::value(std::max<std::int64_t>(0, to - from)) : json::value();
  };
  return {{"id", job.id},
          {"status", job.status},
          {"created_at", time_text(job.created)},
          {"started_at", time_or_null(job.started)},
          {"completed_at", time_or_null(job.ended)},
          {"expires_at", a_year_after(job.created)},  // older jobs go when there are too many; clients want a time
          {"queue_position", job.position ? json::value(*job.position) : json::value()},
          {"estimated_wait_s", job.wait_s ? json::value(*job.wait_s) : json::value()},
          {"progress", job.progress},
          {"outputs", std::move(outputs)},
          {"error", job.error},
          {"metrics", json::object{{"queue_ms", between(job.created, job.started)}, {"execution_ms", between(job.started, job.ended)}}},
          {"metadata", job.labels},
          {"urls", json::object{{"self", self}, {"events", self + "/events"}, {"cancel", self + "/cancel"}}}};
}

}  // namespace darkroom::v2
