#include "gateway/gatekeeper.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"
#include "gateway/middleware.hpp"
#include "gateway/options.hpp"
#include "gateway/refusal.hpp"

namespace darkroom {
namespace {

constexpr std::string_view kSessionCookie = "darkroom_session", kVisitorCookie = "darkroom_visitor";
constexpr std::int64_t kVisitorSeconds = 365 * 24 * 3600;
/// A login with an API token that does not expire; revoking the token ends it too.
constexpr std::int64_t kSessionSeconds = 30 * 24 * 3600;

std::int64_t now_s() { return now_ms() / 1000; }

/// The value of one cookie; "" when it is not there.
std::string_view cookie_of(const Request& request, std::string_view name) {
  std::string_view rest = request.header("cookie");
  while (!rest.empty()) {
    const auto end = rest.find(';');
    const std::string_view one = trim(rest.substr(0, end));
    if (one.starts_with(name) && one.size() > name.size() && one[name.size()] == '=') return one.substr(name.size() + 1);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return {};
}

/// The token of `Authorization: Bearer TOKEN`; "" without one.
std::string_view bearer_token(const Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view value = request.header("authorization");
  return starts_with_nocase(value, kScheme) ? trim(value.substr(kScheme.size())) : std::string_view();
}

bool is_secure(const Request& request) { return request.connection.tls || request.header("x-forwarded-proto") == "https"; }

std::string cookie(std::string_view name, std::string_view value, std::int64_t seconds, bool secure) {
  std::string text(name);
  ((text += '=') += value) += "; Path=/; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(seconds);
  if (secure) text += "; Secure";
  return text;
}

/// A proxy on this machine speaks for others.
bool is_forwarded(const Request& request) {
  return !request.header("x-forwarded-for").empty() || !request.header("forwarded").empty() || !request.header("x-real-ip").empty();
}

bool wants_page(const Request& request) {
  return (request.method == "GET" || request.method == "HEAD") && request.header("accept").find("text/html") != std::string_view::npos;
}

/// Where a request comes from: what the nearest proxy says, or the connection.
std::string address_of(const Request& request) {
  const std::string_view forwarded = request.header("x-forwarded-for");
  const auto comma = forwarded.rfind(',');
  const std::string_view last = trim(comma == std::string_view::npos ? forwarded : forwarded.substr(comma + 1));
  return std::string(request.connection.loopback && !last.empty() ? last : std::string_view(request.connection.address));
}

/// The login with the way back to this page, relative to it, so that it also works below a path of a proxy.
std::string login_address(const Request& request) {
  const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  std::string address;
  for (auto folders = std::count(path.begin(), path.end(), '/'); folders > 1; --folders) address += "../";
  return address + "login?next=" + percent_encode(request.target);
}

Response unauthorized(const Request& request, const std::string& why) {
  if (wants_page(request)) {
    Response to_login = Response::empty(303);
    to_login.header("Location", login_address(request)).header("Cache-Control", "no-store");
    return to_login;
  }
  Response response = refusal(request, 401, "login_needed", why);
  response.header("WWW-Authenticate", "Bearer");
  return response;
}

/// Is this page one of the same server? A browser says where it is from whenever that matters.
bool is_from_elsewhere(const Request& request, const Options& options) {
  const std::string_view origin = request.header("origin");
  if (origin.empty() || (options.enable_cors && origin == options.cors_origin)) return false;
  return !same_origin(request.header("host"), origin);
}

}  // namespace

Gatekeeper::Gatekeeper(const Options& options)
    : options_(options), auth_(!options.auth.empty()), api_tokens_(api_tokens_file(options.base_directory)),
      signer_(Signer::of_file(options.base_directory / "server.secret")) {
  if (auth_ && options.auth != kApiTokensAlone) authority_.emplace(options.auth);
}

Identity Gatekeeper::named(std::string user, std::string token_id, std::int64_t expires) const {
  const bool admin = authority_ && authority_->is_admin(user);
  return {.user = std::move(user), .by = Identity::By::kToken, .admin = admin, .token_id = std::move(token_id), .expires = expires};
}

Identity Gatekeeper::bearer_of(std::string_view token, std::int64_t now) {
  if (ApiTokens::looks_like_one(token)) {
    const auto known = api_tokens_.find(token, now);
    if (!known) throw BadToken("The API token is unknown, revoked or expired");
    return named(known->user, known->id, known->expires);
  }
  if (!authority_) throw BadToken("This server takes API tokens alone");
  JwtClaims claims = authority_->verify(token, now);
  return named(std::move(claims.user), "", claims.expires);
}

/// Whose a cookie of a login or a ticket is.
std::optional<Identity> Gatekeeper::signed_in(std::string_view purpose, std::string_view text, std::int64_t now) {
  const auto claims = signer_.verify(purpose, text, now);
  if (!claims) return std::nullopt;
  Identity who = named(string_or(*claims, "user", ""), string_or(*claims, "token", ""), int_or(*claims, "until", 0));
  return is_over(who) ? std::nullopt : std::optional(std::move(who));
}

bool Gatekeeper::is_over(const Identity& who) {
  const std::int64_t now = now_s();
  return (who.expires > 0 && now >= who.expires) || (!who.token_id.empty() && !api_tokens_.with_id(who.token_id, now));
}

Gatekeeper::Verdict Gatekeeper::by_credentials(const Request& request, bool socket, std::int64_t now) {
  if (const std::string_view token = bearer_token(request); !token.empty()) {
    try {
      return Passed{bearer_of(token, now), ""};
    } catch (const BadToken& why) {
      return unauthorized(request, why.what());
    }
  }
  if (const std::string* ticket = request.query_value("ticket"); ticket && socket) {
    if (auto who = signed_in("ticket", *ticket, now)) return Passed{std::move(*who), ""};
    return unauthorized(request, "The ticket is not valid any more");
  }
  if (const std::string_view session = cookie_of(request, kSessionCookie); !session.empty()) {
    auto who = signed_in("session", session, now);
    if (!who) return unauthorized(request, "The login has expired");
    if (is_from_elsewhere(request, options_)) return refusal(request, 403, "foreign_origin", "A page of another site may not use this login");
    return Passed{std::move(*who), ""};
  }
  return unauthorized(request, "A token is needed: log in, or send Authorization: Bearer");
}

Gatekeeper::Verdict Gatekeeper::without_auth(const Request& request, bool socket, std::int64_t now) {
  // Other words in this header are for others: ComfyUI's clients send those of paid services.
  const std::string_view token = bearer_token(request);
  const bool comes_with_ticket = token.empty() && socket && request.query_value("ticket");
  if (ApiTokens::looks_like_one(token) || comes_with_ticket || (token.empty() && signed_in("session", cookie_of(request, kSessionCookie), now)))
    return by_credentials(request, socket, now);
  if (options_.multi_user) {
    const std::string_view name = request.header("comfy-user");
    if (name.empty()) return Passed{};
    return Passed{{.user = std::string(kNamedPrefix) + std::string(name), .name = std::string(name), .by = Identity::By::kName, .admin = true}, ""};
  }
  if (request.connection.loopback && !is_forwarded(request)) return Passed{};
  Passed passed{{.by = Identity::By::kVisitor, .admin = false}, ""};
  if (const auto claims = signer_.verify("visitor", cookie_of(request, kVisitorCookie), now)) {
    passed.who.user = std::string(kVisitorPrefix) + string_or(*claims, "visitor", "");
    if (is_from_elsewhere(request, options_)) return refusal(request, 403, "foreign_origin", "A page of another site may not use this cookie");
    return passed;
  }
  // Whoever keeps no cookie is somebody else each time, but not somewhere else.
  const std::string id = uuid4();
  passed.who.share = "address:" + address_of(request);
  passed.who.user = std::string(kVisitorPrefix) + id;
  passed.set_cookie = cookie(kVisitorCookie, signer_.sign("visitor", {{"visitor", id}, {"exp", now + kVisitorSeconds}}), kVisitorSeconds, is_secure(request));
  return passed;
}

Gatekeeper::Verdict Gatekeeper::admit(const Request& request, Access access, bool socket) {
  const std::int64_t now = now_s();
  if (authority_) authority_->refresh(now);
  const std::string_view path = without_api(request.path);
  const bool is_result = path.starts_with("/results/") || path.starts_with("/v1/images/files/");
  const std::string* link = is_result && (request.method == "GET" || request.method == "HEAD") ? request.query_value("link") : nullptr;
  if (link) {
    const auto claims = signer_.verify("link", *link, now);
    if (claims && string_or(*claims, "path", "") == path) return Passed{{.user = string_or(*claims, "user", ""), .by = Identity::By::kLink, .admin = false}, ""};
  }
  Verdict verdict = auth_ ? by_credentials(request, socket, now) : without_auth(request, socket, now);
  const auto* passed = std::get_if<Passed>(&verdict);
  if (!passed && link) return refusal(request, 403, "bad_link", "This link is not valid any more");
  if (access == Access::kPublic && request.method == "POST" && is_from_elsewhere(request, options_))
    return refusal(request, 403, "foreign_origin", "A page of another site may not log anybody in or out");
  if (!passed && access == Access::kPublic) return Passed{{.user = "", .by = Identity::By::kLink, .admin = false}, ""};
  if (passed && access == Access::kAdmin && !passed->who.admin) return refusal(request, 403, "forbidden", "Only those who run this server may do this");
  return verdict;
}

std::string Gatekeeper::session_cookie(const Identity& bearer, const Request& request, std::int64_t now) const {
  const std::int64_t expires = bearer.expires > 0 ? std::min(bearer.expires, now + kSessionSeconds) : now + kSessionSeconds;
  const json::object claims{{"user", bearer.user}, {"token", bearer.token_id}, {"until", bearer.expires}, {"exp", expires}};
  return cookie(kSessionCookie, signer_.sign("session", claims), expires - now, is_secure(request));
}

std::string Gatekeeper::ended_session_cookie() { return cookie(kSessionCookie, "", 0, false); }

std::string Gatekeeper::ticket(const Identity& who, std::int64_t now) const {
  return signer_.sign("ticket", {{"user", who.user}, {"token", who.token_id}, {"until", who.expires}, {"exp", now + kTicketSeconds}});
}

std::string Gatekeeper::signed_link(const std::string& user, const std::string& path, std::int64_t expires) const {
  return path + (path.find('?') == std::string::npos ? "?" : "&") + "link=" + signer_.sign("link", {{"user", user}, {"path", path.substr(0, path.find('?'))}, {"exp", expires}});
}

}  // namespace darkroom
