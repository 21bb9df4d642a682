// GET and POST /queue, POST /interrupt, POST /free (protocol.md §3.2, §3.3, §3.5; how bodies really arrive: clients.md §2).

#include "gateway/http.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/routes/json_body.hpp"
#include "gateway/services.hpp"
#include "gateway/worker_pool.hpp"

namespace darkroom {
namespace {

asio::awaitable<Response> get_queue(Services& services, const Request& request) { co_return Response::of_json_text(co_await services.jobs.queue_json(request.who.user)); }

/// `{"clear": true}`, `{"delete": [ids]}` or both; clear first. Truth is Python's.
asio::awaitable<Response> post_queue(Services& services, Request& request) {
  const auto body = object_body(request);
  if (!body) co_return bad_body();
  if (flag(*body, "clear")) co_await services.jobs.clear_pending(request.who.user);
  std::vector<std::string> ids = ids_of(*body, "delete");
  if (!ids.empty()) co_await services.jobs.delete_pending(request.who.user, std::move(ids));
  co_return Response::empty();
}

/// No body, no JSON and `{}` all mean: stop what runs. An id stops only that job.
Response post_interrupt(Services& services, const Request& request) {
  std::optional<std::string> id;
  try {
    const json::value body = parse_json(request.body);
    if (!body.is_object()) return bad_body();
    const auto* given = find(body.get_object(), "prompt_id");
    if (given && truthy(*given)) id = python_str(*given);
  } catch (const Error&) {
    id.reset();
  }
  services.jobs.interrupt(request.who.user, id);
  return Response::empty();
}

/// Done by the workers after the running job, or at once when they are idle.
Response post_free(Services& services, const Request& request) {
  const auto body = object_body(request);
  if (!body) return bad_body();
  const bool models = flag(*body, "unload_models"), memory = flag(*body, "free_memory");
  if (models || memory) services.workers.broadcast({"free", {{"unload_models", models}, {"free_memory", memory}}, {}});
  return Response::empty();
}

}  // namespace

void add_queue_routes(Router& router, Services& services) {
  router.add("GET", "/queue", [&services](Request& request) { return get_queue(services, request); });
  router.add("POST", "/queue", [&services](Request& request) { return post_queue(services, request); });
  router.add("POST", "/interrupt", [&services](Request& request) -> asio::awaitable<Response> { co_return post_interrupt(services, request); });
  router.add("POST", "/free", [&services](Request& request) -> asio::awaitable<Response> { co_return post_free(services, request); },
             {.access = Access::kAdmin});
}

}  // namespace darkroom
