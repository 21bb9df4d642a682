// GET and POST /users (protocol.md §3.11).

#include "base/error.hpp"
#include "gateway/http.hpp"
#include "gateway/pool.hpp"
#include "gateway/services.hpp"
#include "gateway/user_store.hpp"

namespace darkroom {

namespace {

Response list_users(const UserStore& users, const Identity& who) {
  if (users.multi_user() && !who.has_own_room()) return Response::of_json(json::object{{"storage", "server"}, {"users", users.users()}});
  std::error_code ignored;
  const bool migrated = std::filesystem::exists(*users.folder_of(who), ignored);
  return Response::of_json(json::object{{"storage", "server"}, {"migrated", migrated}});
}

Response refused(const std::string& why) { return Response::of_json(json::object{{"error", why}}, 400); }

Response add_user(UserStore& users, const Request& request) {
  if (request.who.has_own_room()) return refused("users of this server are known by their tokens");
  std::optional<std::string> name;
  try {
    const json::value body = parse_json(request.body);
    if (const auto* object = body.if_object()) name = find_string(*object, "username");
    if (!name) return Response::error(500, "invalid_json", "username is missing");
    if (name->empty()) return Response::of_json("username not provided", 400);
    return Response::of_json(json::value(users.add_user(*name)));
  } catch (const Conflict& taken) {
    return refused(taken.what());
  } catch (const Forbidden& reserved) {
    return Response::of_json(json::value(reserved.what()), 400);
  } catch (const InvalidInput& fault) {
    return Response::error(500, "invalid_json", "The body is not JSON", fault.what());
  }
}

}  // namespace

void add_users_routes(Router& router, Services& services) {
  UserStore& users = user_store_of(services);
  router.add("GET", "/users", [&](Request& request) -> asio::awaitable<Response> {
    co_return co_await services.pool.run([&] { return list_users(users, request.who); });
  });
  router.add("POST", "/users", [&](Request& request) -> asio::awaitable<Response> {
    co_return co_await services.pool.run([&] { return add_user(users, request); });
  });
}

}  // namespace darkroom
