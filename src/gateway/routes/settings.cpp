// GET and POST /settings, /settings/{id} (protocol.md §3.11). The editor sends them as text/plain.

#include "base/error.hpp"
#include "gateway/http.hpp"
#include "gateway/pool.hpp"
#include "gateway/services.hpp"
#include "gateway/user_store.hpp"

namespace darkroom {

namespace {

Response unknown_user() { return Response::text(401, "401: Unauthorized"); }

/// Limit: a body of settings, bytes. Beyond: 413. Fixed: the editor's have some thousand; they are written anew with every change. Edge:
/// UserData.settings_have_a_limit.
constexpr std::size_t kMaxSettings = 1u << 20;
/// Limit: depth of a body of settings. Beyond: 413. Fixed: four blanks a level are written for each line. Edge: UserData.settings_have_a_limit.
constexpr std::size_t kMaxDepth = 32;

/// Recorded as 500: the original fails on a body that is no JSON.
Response no_json(const std::string& why) { return Response::error(500, "invalid_json", "The body is not JSON", why); }

Response all_settings(const UserStore& users, const Request& request) {
  const auto folder = users.folder_of(request.who);
  return folder ? Response::of_json(users.settings(*folder)) : unknown_user();
}

Response one_setting(const UserStore& users, const Request& request) {
  const auto folder = users.folder_of(request.who);
  if (!folder) return unknown_user();
  const json::object settings = users.settings(*folder);
  const json::value* value = find(settings, request.param("id"));
  return Response::of_json(value ? *value : json::value());
}

/// `id`: the one setting that the body is the value of; null: the body is an object of settings.
Response change(UserStore& users, const Request& request, const std::string* id) {
  const auto folder = users.folder_of(request.who);
  if (!folder) return unknown_user();
  try {
    json::value body = parse_json(request.body, {.max_bytes = kMaxSettings, .max_depth = kMaxDepth});
    if (id) users.merge_settings(*folder, json::object{{*id, std::move(body)}});
    else if (body.is_object()) users.merge_settings(*folder, body.get_object());
    else return no_json("settings are an object");
  } catch (const InvalidInput& fault) {
    return no_json(fault.what());
  } catch (const TooLarge& fault) {
    return Response::error(413, "too_large", "These are no settings", fault.what());
  }
  return Response::empty();
}

}  // namespace

void add_settings_routes(Router& router, Services& services) {
  UserStore& users = user_store_of(services);
  router.add("GET", "/settings", [&](Request& request) -> asio::awaitable<Response> {
    co_return co_await services.pool.run([&] { return all_settings(users, request); });
  });
  router.add("GET", "/settings/{id}", [&](Request& request) -> asio::awaitable<Response> {
    co_return co_await services.pool.run([&] { return one_setting(users, request); });
  });
  router.add("POST", "/settings", [&](Request& request) -> asio::awaitable<Response> {
    co_return co_await services.pool.run([&] { return change(users, request, nullptr); });
  }, {.max_body = kMaxSettings});
  router.add("POST", "/settings/{id}", [&](Request& request) -> asio::awaitable<Response> {
    const std::string id = request.param("id");
    co_return co_await services.pool.run([&] { return change(users, request, &id); });
  }, {.max_body = kMaxSettings});
}

}  // namespace darkroom
