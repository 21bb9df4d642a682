// Logging in and out, tickets for WebSockets, and API tokens (docs/hosting.md).

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/gatekeeper.hpp"
#include "gateway/http.hpp"
#include "gateway/pool.hpp"
#include "gateway/routes/json_body.hpp"
#include "gateway/services.hpp"

namespace darkroom {
namespace {

/// Limit: body of a request below /auth, bytes. Beyond: 413. Fixed: strangers send them; tokens have some hundred. Edge:
/// test_identity.py::test_bodies_of_strangers_are_short.
constexpr std::size_t kMaxBody = 16u << 10;
constexpr std::int64_t kDaySeconds = 24 * 3600, kLongestDays = 3650;

std::int64_t now_s() { return now_ms() / 1000; }

Response refused(int status, const char* code, const std::string& why) { return Response::of_json(json::object{{"error", why}, {"code", code}}, status); }

Response never_kept(Response response) {
  response.header("Cache-Control", "no-store");
  return response;
}

Response log_in(Gatekeeper& gate, const Request& request) {
  const auto body = object_body(request);
  const std::string token = body ? std::string(trim(string_or(*body, "token", ""))) : "";
  if (token.empty()) return refused(400, "bad_login", "The body must be {\"token\": \"...\"}");
  try {
    const std::int64_t now = now_s();
    const Identity bearer = gate.bearer_of(token, now);
    if (bearer.expires > 0 && bearer.expires <= now) throw BadToken("The token has expired");  // by less than clocks may differ
    Response response = Response::of_json(json::object{{"user", bearer.user}});
    response.header("Set-Cookie", gate.session_cookie(bearer, request, now));
    return response;
  } catch (const BadToken& why) {
    return refused(401, "unknown_token", why.what());
  }
}

Response log_out() {
  Response response = Response::of_json(json::object{});
  response.header("Set-Cookie", Gatekeeper::ended_session_cookie());
  return response;
}

json::object shown(const ApiToken& token) {
  const auto time = [](std::int64_t seconds) { return seconds > 0 ? json::value(seconds) : json::value(nullptr); };
  return {{"id", token.id}, {"user", token.user}, {"label", token.label}, {"created", token.created}, {"expires", time(token.expires)}};
}

Response list_tokens(Gatekeeper& gate, const Identity& who) {
  json::array list;
  for (const auto& token : gate.api_tokens().list(who.admin ? "" : who.user)) list.push_back(shown(token));
  return Response::of_json(json::object{{"tokens", std::move(list)}});
}

/// {"label"?, "days"?, "user"?}: another user's only by who runs the server.
Response make_token(Gatekeeper& gate, const Request& request) {
  const auto body = request.body.empty() ? json::object() : object_body(request);
  if (!body) return refused(400, "bad_token", "The body must be a JSON object");
  const std::string user = string_or(*body, "user", request.who.user);
  if (user != request.who.user && !request.who.admin) return refused(403, "forbidden", "Only those who run this server make tokens for others");
  const double days = number_or(*body, "days", 0);
  if (days < 0 || days > static_cast<double>(kLongestDays)) return refused(400, "bad_token", "days is a number from 0 (no end) to " + std::to_string(kLongestDays));
  try {
    const std::int64_t now = now_s(), expires = days > 0 ? now + std::max<std::int64_t>(1, static_cast<std::int64_t>(days * kDaySeconds)) : 0;
    const auto made = gate.api_tokens().make(user, string_or(*body, "label", ""), expires, now);
    json::object reply = shown(made.token);
    reply.emplace("token", made.text);
    return Response::of_json(reply, 201);
  } catch (const InvalidInput& fault) {
    return refused(400, "bad_token", fault.what());
  } catch (const TooLarge& fault) {
    return refused(429, "too_many_tokens", fault.what());
  } catch (const Unavailable& fault) {
    return refused(503, "unavailable", fault.what());
  }
}

Response revoke_token(Gatekeeper& gate, const Request& request) {
  const bool done = gate.api_tokens().revoke(request.who.admin ? "" : request.who.user, request.param("id"));
  return done ? Response::of_json(json::object{}) : refused(404, "unknown_token", "There is no such token");
}

}  // namespace

json::object user_view(const Gatekeeper& gate, const Identity& who) {
  return {{"name", who.user}, {"admin", who.admin}, {"can_sign_out", gate.auth() && who.by == Identity::By::kToken}};
}

void add_auth_routes(Router& router, Services& services) {
  using Answer = Response (*)(Gatekeeper&, const Request&);
  const auto add = [&](const char* method, const char* path, Answer answer, Access access = Access::kUser) {
    router.add(method, path, [&services, answer](Request& request) -> asio::awaitable<Response> { co_return never_kept(answer(*services.gate, request)); },
               {.max_body = kMaxBody, .access = access});
  };
  const auto add_writing = [&](const char* method, const char* path, Answer answer) {
    router.add(method, path, [&services, answer](Request& request) -> asio::awaitable<Response> {
      co_return co_await services.pool.run([&] { return never_kept(answer(*services.gate, request)); });
    }, {.max_body = kMaxBody});
  };
  add("POST", "/auth/login", log_in, Access::kPublic);
  add("POST", "/auth/logout", [](Gatekeeper&, const Request&) { return log_out(); }, Access::kPublic);
  add("GET", "/auth/me", [](Gatekeeper& gate, const Request& request) { return Response::of_json(user_view(gate, request.who)); });
  add("POST", "/auth/ticket", [](Gatekeeper& gate, const Request& request) {
    return Response::of_json(json::object{{"ticket", gate.ticket(request.who, now_s())}, {"expires_in", Gatekeeper::kTicketSeconds}});
  });
  add("GET", "/auth/tokens", [](Gatekeeper& gate, const Request& request) { return list_tokens(gate, request.who); });
  add_writing("POST", "/auth/tokens", make_token);
  add_writing("DELETE", "/auth/tokens/{id}", revoke_token);
}

}  // namespace darkroom
