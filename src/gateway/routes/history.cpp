// GET and POST /history, GET /history/{prompt_id} (protocol.md §3.4).

#include <charconv>

#include "base/text.hpp"
#include "gateway/http.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/routes/json_body.hpp"
#include "gateway/services.hpp"

namespace darkroom {
namespace {

/// A query value as an integer. Throws InvalidInput for anything else.
std::optional<std::int64_t> integer(const Request& request, std::string_view name) {
  const std::string* given = request.query_value(name);
  if (!given) return std::nullopt;
  std::string_view text = trim(*given);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) throw InvalidInput(std::string(name) + " must be an integer");
  return value;
}

asio::awaitable<Response> get_history(Services& services, Request& request) {
  std::optional<std::int64_t> most;
  std::int64_t offset = -1;
  std::optional<Response> refusal;
  try {
    most = integer(request, "max_items");
    offset = integer(request, "offset").value_or(-1);
  } catch (const InvalidInput& fault) {
    refusal = Response::error(500, "invalid_query", fault.what());  // recorded as 500
  }
  if (refusal) co_return std::move(*refusal);
  co_return Response::of_json_text(co_await services.jobs.history_json(request.who.user, most, offset));
}

asio::awaitable<Response> get_entry(Services& services, Request& request) {
  std::string id = request.param("prompt_id");
  co_return Response::of_json_text(co_await services.jobs.history_json_of(request.who.user, std::move(id)));
}

asio::awaitable<Response> post_history(Services& services, Request& request) {
  const auto body = object_body(request);
  if (!body) co_return bad_body();
  if (flag(*body, "clear")) co_await services.jobs.clear_history(request.who.user);
  std::vector<std::string> ids = ids_of(*body, "delete");
  if (!ids.empty()) co_await services.jobs.delete_history(request.who.user, std::move(ids));
  co_return Response::empty();
}

}  // namespace

void add_history_routes(Router& router, Services& services) {
  router.add("GET", "/history", [&services](Request& request) { return get_history(services, request); });
  router.add("GET", "/history/{prompt_id}", [&services](Request& request) { return get_entry(services, request); });
  router.add("POST", "/history", [&services](Request& request) { return post_history(services, request); });
}

}  // namespace darkroom
