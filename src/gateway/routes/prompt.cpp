// GET and POST /prompt (protocol.md §3.1): from a body to a job on disk. What the original answers with a bare 500 is a 400
// with an `error` object here: clients print its message.

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "broker/broker.hpp"
#include "gateway/allowances.hpp"
#include "gateway/http.hpp"
#include "gateway/input_fetcher.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/job_wishes.hpp"
#include "gateway/prompt_check.hpp"
#include "gateway/routes/json_body.hpp"
#include "gateway/services.hpp"
#include "gateway/worker_pool.hpp"

namespace darkroom {
namespace {

/// Limit: prompt_id of a request, bytes. Beyond: 400 `invalid_prompt_id`. Fixed: it travels in every message; uuids have 36. Edge:
/// JobRoutes.PromptIdsAreTakenAsTexts.
constexpr std::size_t kMaxPromptIdBytes = 1024;
constexpr const char* kScope = "/prompt";  // of keys of submissions
constexpr const char* kSecrets[] = {"auth_token_comfy_org", "api_key_comfy_org"};

/// A request that can't become a job: the type and words of its 400.
struct Refused {
  std::string type, message, details;
};

/// `number` of a request: any number, or a text that is one. Python's float().
double number_of(const json::value& given) {
  double number = std::nan("");
  if (given.is_number()) number = given.to_number<double>();
  else if (given.is_bool()) number = given.get_bool() ? 1 : 0;
  else if (given.is_string()) {
    std::string_view text = trim(given.get_string());
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc{} || end != text.data() + text.size()) number = std::nan("");
  }
  if (!std::isfinite(number)) throw Refused{"invalid_number", "number must be a number", python_repr(given)};
  return number;
}

/// Everything of a request but the prompt's validation.
class PromptRequest {
 public:
  explicit PromptRequest(json::value body) : body_(std::move(body)) {
    if (!body_.is_object() && !body_.is_array()) throw Refused{"invalid_body", "The body must be a JSON object", python_repr(body_).substr(0, 100)};
    if (body_.is_array()) body_ = json::object();  // as the original: an object without anything
  }

  const json::object& fields() const { return body_.get_object(); }

  /// Taken before anything else can fail, and not given back.
  /// Where others wait too, a number is one among the user's own jobs.
  void take_number(JobDesk& desk, Job& job, bool has_own_room) const {
    const auto* number = find(fields(), "number");
    const auto* front = find(fields(), "front");
    const bool first = !number && front && truthy(*front);
    job.number = number ? json::value(number_of(*number)) : first ? desk.front_number() : desk.next_number();
    job.explicit_number = (number || first) && !has_own_room;
  }

  json::object take_prompt() {
    auto* prompt = body_.get_object().if_contains("prompt");
    if (!prompt) throw Refused{"no_prompt", "No prompt provided", "No prompt provided"};
    if (prompt->is_object()) return std::move(prompt->get_object());
    if (prompt->is_array() && prompt->get_array().empty()) return {};
    throw Refused{"invalid_prompt", "The prompt must be an object of nodes", ""};
  }

  std::optional<std::vector<std::string>> targets() const {
    const auto* given = find(fields(), "partial_execution_targets");
    if (!given || given->is_null()) return std::nullopt;
    if (!given->is_array()) throw Refused{"invalid_partial_execution_targets", "partial_execution_targets must be a list of node ids", ""};
    std::vector<std::string> ids;
    for (const auto& id : given->get_array()) ids.push_back(python_str(id));
    return ids;
  }

  /// The client's own id as a text, or a new one.
  std::string prompt_id() const {
    const auto* given = find(fields(), "prompt_id");
    if (!given || given->is_null()) return uuid4();
    std::string id = python_str(*given);
    if (id.size() > kMaxPromptIdBytes)
      throw Refused{"invalid_prompt_id", fmt::format("prompt_id must not be longer than {} bytes", kMaxPromptIdBytes), ""};
    return id.empty() ? uuid4() : id;
  }

  /// extra_data as it is kept and shown, the secrets apart, and the client.
  void take_extra_data(Job& job) {
    json::object& fields = body_.get_object();
    if (auto* given = fields.if_contains("extra_data"); given && !given->is_null()) {
      if (!given->is_object()) throw Refused{"invalid_extra_data", "extra_data must be an object", ""};
      job.extra_data = std::move(given->get_object());
    }
    if (auto* client = fields.if_contains("client_id")) job.extra_data.insert_or_assign("client_id", std::move(*client));
    for (const char* name : kSecrets)
      if (auto* secret = job.extra_data.if_contains(name)) {
        job.secrets.emplace(name, std::move(*secret));
        job.extra_data.stable_erase(name);
      }
    // Any client id is kept; only a text can be that of a socket.
    const auto* client = find(job.extra_data, "client_id");
    job.has_client = client && !client->is_null();
    if (job.has_client && client->is_string()) job.client_id = std::string(client->get_string());
    job.create_time = now_ms();
    job.extra_data.insert_or_assign("create_time", job.create_time);
  }

 private:
  json::value body_;
};

Response invalid(const Validation& validation) {
  log::warn("prompt refused: {}", string_or(validation.error, "message", ""));
  return Response::of_json(json::object{{"error", validation.error}, {"node_errors", validation.node_errors}}, 400);
}

/// What the packs' prompt handlers make of the body. When none answers in time it stays as it is.
asio::awaitable<json::value> handled(Services& services, json::value body) {
  json::object question{{"what", "prompt_hook"}, {"body", body}};
  std::string fault;
  try {
    json::value changed = co_await services.workers.ask(std::move(question));
    if (!changed.is_null()) co_return changed;
  } catch (const std::exception& error) {
    fault = error.what();
  }
  if (fault.empty()) throw InternalError("a prompt handler of a pack lost the request");
  log::warn("the prompt handlers of packs are passed over: {}", fault);
  co_return body;
}

Response refuse(int status, const std::string& type, const std::string& message, const std::string& details = "") {
  log::warn("prompt refused: {}", message);
  return Response::error(status, type, message, details);
}

/// The reply to a second submission with a key: what the first one came to, or a refusal where it was another one.
Response sent_before(const KeyUse& use, const SubmissionKey& key) {
  if (use.fingerprint != key.fingerprint)
    return refuse(422, "idempotency_key_reuse", "This Idempotency-Key has been used for another request", "it made the job " + use.job_id);
  Response response = Response::of_json(json::object{{"prompt_id", use.job_id}, {"number", use.number}, {"node_errors", json::object()}});
  response.header("Idempotent-Replayed", "true");
  return response;
}

asio::awaitable<Response> post_prompt(Services& services, Request& request) {
  // Each time somebody else, who has waiting jobs of its own: what counts is where they come from.
  if (!request.who.share.empty()) allowances_of(services).begin_upload(request.who, request.body.size(), steady_ms());
  json::value body = co_await parse_body(services, request.body);
  if (services.workers.has_prompt_hook()) body = co_await handled(services, std::move(body));
  auto key = submission_key_of(request, kScope);
  if (key) {
    const auto use = co_await services.jobs.key_use(request.who.user, *key);
    if (use) co_return sent_before(*use, *key);
  }
  PromptRequest prompt(std::move(body));
  Job job;
  job.terms = terms_of(prompt.fields(), request.who, services.options);
  prompt.take_number(services.jobs, job, request.who.has_own_room());
  json::object graph = prompt.take_prompt();
  FetchedInputs fetched = co_await fetch_inputs(services, request.who, graph);
  if (!fetched.validation.ok) co_return invalid(fetched.validation);
  CheckedPrompt checked = co_await check_prompt(services, request.who.user, std::move(graph), prompt.targets());
  if (!checked.validation.ok) co_return invalid(checked.validation);

  job.id = prompt.prompt_id();
  job.owner = request.who.user;
  prompt.take_extra_data(job);
  job.prompt = std::move(checked.prompt);
  job.outputs = std::move(checked.validation.outputs);
  json::object reply{{"prompt_id", job.id}, {"number", job.number}, {"node_errors", std::move(checked.validation.node_errors)}};
  const std::string id = job.id;
  co_await submit_job(services, request.who, std::move(job), std::move(key));
  fetched.keep();
  Response response = Response::of_json(reply);
  response.after_write = services.jobs.when_replied(id);
  co_return response;
}

asio::awaitable<Response> post_prompt_or_error(Services& services, Request& request) {
  std::optional<Response> refusal;
  try {
    co_return co_await post_prompt(services, request);
  } catch (const Refused& refused) {
    refusal = refuse(400, refused.type, refused.message, refused.details);
  } catch (const KeyTaken& taken) {  // by one that came in the same moment
    refusal = sent_before(taken.use, *submission_key_of(request, kScope));
  } catch (const Forbidden& why) {
    refusal = refuse(403, "forbidden", why.what());
  } catch (const Exhausted& why) {
    refusal = too_many(why);
  } catch (const QueueFull& full) {
    refusal = refuse(429, "queue_full", full.what());
    refusal->header("Retry-After", "5");
  } catch (const Unavailable& fault) {
    refusal = refuse(503, "unavailable", fault.what());
  } catch (const WrongWish& fault) {
    refusal = refuse(400, "invalid_terms", fault.what());
  } catch (const InvalidInput& fault) {
    refusal = refuse(400, "invalid_json", "The body is not valid JSON", fault.what());
  } catch (const TooLarge& fault) {
    refusal = refuse(400, "invalid_json", "The body passes a limit", fault.what());
  }
  co_return std::move(*refusal);
}

}  // namespace

void add_prompt_routes(Router& router, Services& services) {
  router.add("GET", "/prompt", [&services](Request& request) -> asio::awaitable<Response> {
    const auto remaining = static_cast<std::int64_t>(services.jobs.queue_remaining(request.who.user));
    co_return Response::of_json(json::object{{"exec_info", json::object{{"queue_remaining", remaining}}}});
  });
  router.add("POST", "/prompt", [&services](Request& request) { return post_prompt_or_error(services, request); });
}

}  // namespace darkroom
