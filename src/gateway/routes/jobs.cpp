// GET /api/jobs, GET /api/jobs/{id} (protocol.md §8.3), and the cancel routes of newer versions (§12). Registered below /api, so
// that /api/jobs and /api/api/jobs are there and /jobs is not.

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"
#include "gateway/http.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/routes/json_body.hpp"
#include "gateway/services.hpp"

namespace darkroom {
namespace {

constexpr std::array kStatuses = {"pending", "in_progress", "completed", "failed", "cancelled"};

/// These routes have errors of their own form: `{"error": text}`.
Response jobs_error(int status, std::string text) { return Response::of_json(json::object{{"error", std::move(text)}}, status); }

std::optional<std::int64_t> integer_of(std::string_view text) {
  text = trim(text);
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Reads the query into `filter`; the text of the first fault, or "".
std::string read_query(const Request& request, JobsFilter& filter) {
  std::string unknown;
  for (const std::string& part : split(request.query_or("status", ""), ',')) {
    const std::string status = lower(trim(part));
    if (status.empty()) continue;
    filter.status.push_back(status);
    if (std::ranges::find(kStatuses, status) == kStatuses.end()) (unknown += unknown.empty() ? "" : ", ") += status;
  }
  // The list is the recorded text; `cancelled` came with later versions.
  if (!unknown.empty()) return "Invalid status value(s): " + unknown + ". Valid values: pending, in_progress, completed, failed";
  filter.workflow_id = request.query_or("workflow_id", "");

  const std::string by = lower(request.query_or("sort_by", "created_at"));
  if (by != "created_at" && by != "execution_duration") return "sort_by must be 'created_at' or 'execution_duration'";
  filter.by_duration = by == "execution_duration";
  const std::string order = lower(request.query_or("sort_order", "desc"));
  if (order != "asc" && order != "desc") return "sort_order must be 'asc' or 'desc'";
  filter.ascending = order == "asc";

  if (const auto* limit = request.query_value("limit")) {
    filter.limit = integer_of(*limit);
    if (!filter.limit) return "limit must be an integer";
    if (*filter.limit <= 0) return "limit must be a positive integer";
  }
  if (const auto* given = request.query_value("offset")) {
    const auto offset = integer_of(*given);
    if (!offset) return "offset must be an integer";
    filter.offset = std::max<std::int64_t>(*offset, 0);
  }
  return "";
}

asio::awaitable<Response> get_jobs(Services& services, Request& request) {
  JobsFilter filter;
  const std::string fault = read_query(request, filter);
  if (!fault.empty()) co_return jobs_error(400, fault);
  co_return Response::of_json_text(co_await services.jobs.jobs_json(request.who.user, std::move(filter)));
}

asio::awaitable<Response> get_job(Services& services, Request& request) {
  std::string id = request.param("job_id");
  auto job = co_await services.jobs.job_json(request.who.user, std::move(id), request.query_value("place") != nullptr);
  if (!job) co_return jobs_error(404, "Job not found");
  co_return Response::of_json_text(std::move(job));
}

Response cancelled(bool hit) { return Response::of_json(json::object{{"cancelled", hit}}); }

asio::awaitable<Response> cancel_job(Services& services, Request& request) {
  std::string id = request.param("job_id");
  const bool hit = co_await services.jobs.cancel(request.who.user, std::move(id));
  co_return cancelled(hit);
}

/// `{"job_ids": [ids]}`: true when any of them was waiting or running.
asio::awaitable<Response> cancel_jobs(Services& services, Request& request) {
  const auto body = object_body(request);
  const auto* list = body ? find_array(*body, "job_ids") : nullptr;
  if (!list || !std::ranges::all_of(*list, [](const json::value& id) { return id.is_string(); }))
    co_return jobs_error(400, "job_ids must be a list of job ids");
  bool hit = false;
  for (std::string& id : ids_of(*body, "job_ids")) {
    const bool this_one = co_await services.jobs.cancel(request.who.user, std::move(id));
    hit = hit || this_one;
  }
  co_return cancelled(hit);
}

}  // namespace

void add_jobs_routes(Router& router, Services& services) {
  router.add("GET", "/api/jobs", [&services](Request& request) { return get_jobs(services, request); });
  router.add("GET", "/api/jobs/{job_id}", [&services](Request& request) { return get_job(services, request); });
  router.add("POST", "/api/jobs/cancel", [&services](Request& request) { return cancel_jobs(services, request); });
  router.add("POST", "/api/jobs/{job_id}/cancel", [&services](Request& request) { return cancel_job(services, request); });
}

}  // namespace darkroom
