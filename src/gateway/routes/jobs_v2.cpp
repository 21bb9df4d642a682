// /api/v2/jobs (docs/api-v2.md): the Comfy API v2 of jobs, which the official SDKs speak, over the same queue and history as everything
// else.

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/allowances.hpp"
#include "gateway/http.hpp"
#include "gateway/input_fetcher.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/job_wishes.hpp"
#include "gateway/pool.hpp"
#include "gateway/prompt_check.hpp"
#include "gateway/routes/json_body.hpp"
#include "gateway/services.hpp"
#include "gateway/v2/assets.hpp"
#include "gateway/v2/event_stream.hpp"
#include "gateway/v2/jobs.hpp"
#include "gateway/v2/reply.hpp"
#include "gateway/v2/workflow_assets.hpp"
#include "identity/base64url.hpp"
#include "storage/folders.hpp"

namespace darkroom {
namespace {

using v2::Refusal;

constexpr const char* kScope = "/api/v2/jobs";  ///< of keys of submissions
/// Limit: jobs of one reply to GET /api/v2/jobs. Beyond: 400. Fixed: as the self-hosted servers of this API have it. Edge:
/// test_api_v2.py::test_jobs_are_listed_in_pages.
constexpr std::int64_t kMostListed = 100;
constexpr std::int64_t kListed = 50;
/// Limit: labels that a list of jobs is filtered by. Beyond: 400. Fixed: as the API has it. Edge: test_api_v2.py::test_labels_find_jobs.
constexpr std::size_t kFilters = 3;
constexpr std::int64_t kScanned = 500;  ///< jobs that are looked through at once for labels

/// Limit: key of paid services in a submission, bytes. Beyond: 400. Fixed: it is kept in memory. Edge:
/// test_api_v2.py::test_bad_submissions_have_codes.
constexpr std::size_t kMaxSecret = 4096;

asio::awaitable<json::object> body_of(Services& services, const Request& request) {
  json::value body = co_await parse_body(services, request.body);
  if (!body.is_object()) throw Refusal(400, "invalid_request", "The body must be a JSON object");
  co_return std::move(body.get_object());
}

json::object take_workflow(json::object& body) {
  auto* given = body.if_contains("workflow");
  auto* workflow = given ? given->if_object() : nullptr;
  if (!workflow) throw Refusal(400, "invalid_request", "workflow must be an object of nodes");
  if (find_array(*workflow, "nodes") && find(*workflow, "links"))
    throw Refusal(422, "workflow_format_ui", "This is a workflow of the editor: export it in API form");
  return std::move(*workflow);
}

JobTerms take_terms(const json::object& body, const Request& request, const Options& options) {
  for (const char* reserved : {"webhook_url", "inputs"})
    if (body.contains(reserved)) throw Refusal(400, "invalid_request", std::string(reserved) + " is not taken here");
  JobTerms terms = terms_of(body, request.who, options);
  const auto* labels = find(body, "metadata");
  if (!labels || labels->is_null()) return terms;
  std::string fault;
  try {
    terms.labels = labels_of(*labels);
    return terms;
  } catch (const WrongWish& wrong) {
    fault = wrong.what();
  }
  throw Refusal(422, "metadata_invalid", fault);
}

/// extra_data is there for secrets alone.
json::object take_secrets(const json::object& body) {
  const auto* extra = find(body, "extra_data");
  if (!extra || extra->is_null()) return {};
  const auto* fields = extra->if_object();
  if (!fields) throw Refusal(400, "invalid_request", "extra_data must be an object");
  json::object secrets;
  for (const auto& [name, value] : *fields) {
    if (name != "api_key_comfy_org" || !value.is_string() || value.get_string().size() > kMaxSecret)
      throw Refusal(400, "invalid_request", "extra_data may have api_key_comfy_org alone, a text");
    secrets.emplace(name, value);
  }
  return secrets;
}

/// Puts the names of files where the workflow names assets; where they were.
asio::awaitable<json::array> place_assets(Services& services, std::string user, json::object& workflow) {
  const std::vector<std::string> ids = v2::assets_in(workflow);
  std::unordered_map<std::string, std::string> names;
  for (const std::string& id : ids) {
    if (names.contains(id)) continue;
    const auto asset = co_await v2::find_asset(services, user, id);
    if (!asset) throw Refusal(422, "missing_asset", "There is no asset " + id);
    names.emplace(id, asset->reference);
  }
  co_return v2::replace_assets(workflow, [&](const std::string& id) { return names.at(id); });
}

/// What is wrong with the nodes, as this API says it: id → [{"field", "reason", "message"}].
json::object node_errors(const json::object& errors) {
  json::object out;
  for (const auto& [node, entry] : errors) {
    json::array list;
    const auto* object = entry.if_object();
    const auto* faults = object ? find_array(*object, "errors") : nullptr;
    for (const auto& item : faults ? *faults : json::array()) {
      const auto* fault = item.if_object();
      if (!fault) continue;
      const auto* extra = find_object(*fault, "extra_info");
      const std::string field = extra ? string_or(*extra, "input_name", "") : "";
      list.push_back(json::object{{"field", field.empty() ? json::value() : json::value(field)},
                                  {"reason", string_or(*fault, "type", "")},
                                  {"message", string_or(*fault, "message", "")},
                                  {"details", string_or(*fault, "details", "")}});
    }
    out.emplace(node, std::move(list));
  }
  return out;
}

Refusal invalid_workflow(const Validation& validation) {
  std::string message = string_or(validation.error, "message", "The workflow is not valid");
  if (const std::string details = string_or(validation.error, "details", ""); !details.empty()) message += ": " + details;
  return {422, "invalid_workflow", message, json::object{{"node_errors", node_errors(validation.node_errors)}}};
}

asio::awaitable<Response> shown(Services& services, Request& request, std::string id, int status) {
  const auto job = co_await v2::find_job(services, request.who.user, std::move(id));
  if (!job) throw Refusal(404, "not_found", "There is no such job");
  const Folders folders = services.folders.of_user(request.who.user);
  const json::object body = co_await services.pool.run([&] { return v2::job_json(*job, folders, request); });
  co_return Response::of_json(body, status);
}

asio::awaitable<Response> submit(Request& request, Services& services) {
  // Each time somebody else, who has waiting jobs of its own: what counts is where they come from.
  if (!request.who.share.empty()) allowances_of(services).begin_upload(request.who, request.body.size(), steady_ms());
  auto key = submission_key_of(request, kScope);
  if (key) {
    const auto use = co_await services.jobs.key_use(request.who.user, *key);
    if (use) throw Refusal(422, "idempotency_key_reuse", "This Idempotency-Key has made a job already");
  }
  json::object body = co_await body_of(services, request);
  Job job;
  json::object workflow = take_workflow(body);
  job.terms = take_terms(body, request, services.options);
  job.secrets = take_secrets(body);
  job.terms.assets = co_await place_assets(services, request.who.user, workflow);
  FetchedInputs fetched = co_await fetch_inputs(services, request.who, workflow);
  if (!fetched.validation.ok) throw invalid_workflow(fetched.validation);
  CheckedPrompt checked = co_await check_prompt(services, request.who.user, std::move(workflow), std::nullopt);
  if (!checked.validation.ok) throw invalid_workflow(checked.validation);
  job.id = uuid4();
  job.owner = request.who.user;
  job.number = services.jobs.next_number();
  job.create_time = now_ms();
  job.extra_data = {{"create_time", job.create_time}};
  job.prompt = std::move(checked.prompt);
  job.outputs = std::move(checked.validation.outputs);
  const std::string id = job.id;
  co_await submit_job(services, request.who, std::move(job), std::move(key));
  fetched.keep();
  Response response = co_await shown(services, request, id, 201);
  response.header("Location", v2::outer_prefix(request) + "/api/v2/jobs/" + id);
  response.after_write = services.jobs.when_replied(id);
  co_return response;
}

asio::awaitable<Response> show(Request& request, Services& services) { return shown(services, request, request.param("id"), 200); }

asio::awaitable<Response> cancel(Request& request, Services& services) {
  co_await services.jobs.cancel(request.who.user, request.param("id"));  // one that is over stays as it is
  co_return co_await shown(services, request, request.param("id"), 200);
}

/// The graph as it was sent, assets where they stood.
asio::awaitable<Response> workflow(Request& request, Services& services) {
  const std::string &user = request.who.user, &id = request.param("id");
  Broker& broker = services.jobs.broker();
  std::string prompt, terms;
  const QueueView view = co_await broker.queue(user);
  for (const auto* list : {&view.running, &view.pending})
    for (const auto& job : *list)
      if (job->id == id) prompt = job->prompt, terms = job->terms;
  if (prompt.empty()) {
    const auto entry = co_await broker.history_of(user, id);
    if (!entry) throw Refusal(404, "not_found", "There is no such job");
    prompt = entry->prompt;
    terms = entry->terms;
  }
  json::object graph = parse_json(prompt, {.max_bytes = 1u << 30}).as_object();
  v2::restore_assets(graph, JobTerms::of(terms).assets);
  co_return Response::of_json(json::object{{"workflow", std::move(graph)}, {"format", "api"}});
}

asio::awaitable<Response> events(Request& request, Services& services) {
  const std::string &user = request.who.user, &id = request.param("id");
  bool known = services.jobs.broker().queued(user, id).has_value();
  if (!known) {
    const auto entry = co_await services.jobs.broker().history_of(user, id);
    known = entry.has_value();
  }
  if (!known) throw Refusal(404, "not_found", "There is no such job");
  Response response;
  response.header("Content-Type", "text/event-stream").header("Cache-Control", "no-store").header("X-Accel-Buffering", "no");
  const auto executor = co_await asio::this_coro::executor;
  if (request.method != "HEAD")
    response.stream = services.streams->open(executor, user, id, v2::base_address(request), request.header("last-event-id"));
  co_return response;
}

/// `metadata[NAME]=TEXT` of the query.
std::vector<std::pair<std::string, std::string>> filters_of(const Request& request) {
  constexpr std::string_view kFront = "metadata[";
  std::vector<std::pair<std::string, std::string>> filters;
  for (const auto& [name, value] : request.query)
    if (name.starts_with(kFront) && name.ends_with(']'))
      filters.emplace_back(name.substr(kFront.size(), name.size() - kFront.size() - 1), value);
  if (filters.size() > kFilters) throw Refusal(400, "invalid_metadata_filter", "A list is filtered by 3 labels at most");
  json::object labels;
  for (const auto& [name, value] : filters) labels.emplace(name, value);
  std::string fault;
  try {
    labels_of(labels);
    return filters;
  } catch (const WrongWish& wrong) {
    fault = wrong.what();
  }
  throw Refusal(400, "invalid_metadata_filter", fault);
}

std::int64_t number_in(std::string_view text) {
  std::int64_t number = -1;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc{} && end == text.data() + text.size() ? number : -1;
}

json::object listed(const ListedJob& job) {
  const JobSummary& summary = job.summary;
  const std::int64_t updated = std::max({summary.create_time, summary.started, summary.ended});
  return {{"id", job.id},
          {"status", v2::status_word(summary.status)},
          {"create_time", v2::time_text(summary.create_time)},
          {"update_time", v2::time_text(updated)},
          {"created_at", v2::time_text(summary.create_time)},
          {"completed_at", v2::time_or_null(summary.ended)},
          {"deployment_id", nullptr},
          {"metadata", JobTerms::of(job.terms).labels}};
}

asio::awaitable<Response> list(Request& request, Services& services) {
  const std::int64_t limit = request.query_value("limit") ? number_in(*request.query_value("limit")) : kListed;
  if (limit < 1 || limit > kMostListed) throw Refusal(400, "invalid_request", "limit must be a number from 1 to 100");
  std::int64_t offset = 0;
  if (const std::string* cursor = request.query_value("cursor"); cursor && !cursor->empty()) {
    const auto text = base64url_decode(*cursor);
    offset = text ? number_in(*text) : -1;
    if (offset < 0) throw Refusal(400, "invalid_cursor", "This cursor is none of this server");
  }
  const auto filters = filters_of(request);
  const auto wanted = [&](const ListedJob& job) {
    if (filters.empty()) return true;
    const json::object labels = JobTerms::of(job.terms).labels;
    return std::ranges::all_of(
        filters, [&](const auto& filter) { return string_or(labels, filter.first, "") == filter.second && labels.contains(filter.first); });
  };
  json::array jobs;
  bool more = true;
  while (more && static_cast<std::int64_t>(jobs.size()) < limit) {
    JobsFilter page;
    page.limit = filters.empty() ? limit : kScanned;
    page.offset = offset;
    const JobsPage found = co_await services.jobs.broker().jobs(request.who.user, page);
    for (const ListedJob& job : found.jobs) {
      if (static_cast<std::int64_t>(jobs.size()) == limit) break;
      ++offset;
      if (wanted(job)) jobs.push_back(listed(job));
    }
    more = offset < found.total && !found.jobs.empty();
  }
  co_return Response::of_json(
      json::object{{"jobs", std::move(jobs)}, {"next_cursor", more ? json::value(base64url(std::to_string(offset))) : json::value()}});
}

}  // namespace

void add_jobs_v2_routes(Router& router, Services& services) {
  services.streams = std::make_shared<v2::EventStreams>(services);
  RouteOptions plain;
  plain.api_too = false;
  using Work = asio::awaitable<Response> (*)(Request&, Services&);
  const auto add = [&](const char* method, const char* path, Work work) {
    router.add(
        method, path, [&services, work](Request& request) { return v2::guarded(work(request, services)); }, plain);
  };
  add("POST", "/api/v2/jobs", submit);
  add("GET", "/api/v2/jobs", list);
  add("GET", "/api/v2/jobs/{id}", show);
  add("POST", "/api/v2/jobs/{id}/cancel", cancel);
  add("GET", "/api/v2/jobs/{id}/workflow", workflow);
  add("GET", "/api/v2/jobs/{id}/events", events);
}

}  // namespace darkroom
