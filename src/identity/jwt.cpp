#include "identity/jwt.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "identity/base64url.hpp"
#include "storage/user_room.hpp"

namespace darkroom {
namespace {

std::string_view name_of(JwtKey::Algorithm algorithm) {
  switch (algorithm) {
    case JwtKey::Algorithm::kHs256: return "HS256";
    case JwtKey::Algorithm::kRs256: return "RS256";
    case JwtKey::Algorithm::kEs256: break;
  }
  return "ES256";
}

json::object part_of(std::string_view text) {
  const auto decoded = base64url_decode(text);
  if (!decoded) throw BadToken("The token is no JSON web token");
  try {
    const json::value value = parse_json(*decoded, {.max_bytes = kLongestJwt, .max_depth = 16});
    if (value.is_object()) return value.get_object();
  } catch (const Error&) {
    // no JSON
  }
  throw BadToken("The token is no JSON web token");
}

/// A time of a token: seconds since 1970, fractions allowed (RFC 7519 §2).
std::optional<double> time_of(const json::object& claims, std::string_view name) {
  const auto* value = find(claims, name);
  if (!value) return std::nullopt;
  const double time = value->is_number() ? value->to_number<double>() : std::nan("");
  if (!std::isfinite(time)) throw BadToken("The token's " + std::string(name) + " is no time");
  return time;
}

bool is_for(const json::object& claims, const std::string& audience) {
  const auto* given = find(claims, "aud");
  if (!given) return false;
  const auto same = [&](const json::value& one) { return one.is_string() && one.get_string() == audience; };
  if (const auto* list = given->if_array()) return std::any_of(list->begin(), list->end(), same);
  return same(*given);
}

bool is_signed(std::string_view text, std::string_view signature, const json::object& header, const std::vector<JwtKey>& keys) {
  const std::string algorithm = string_or(header, "alg", ""), id = string_or(header, "kid", "");
  for (const JwtKey& key : keys) {
    if (name_of(key.algorithm()) != algorithm || (!id.empty() && !key.id().empty() && key.id() != id)) continue;
    if (key.verifies(text, signature)) return true;
  }
  return false;
}

}  // namespace

JwtClaims verify_jwt(std::string_view token, const std::vector<JwtKey>& keys, const JwtRules& rules, std::int64_t now) {
  if (token.size() > kLongestJwt) throw BadToken("The token is too long");
  const auto first = token.find('.'), last = token.rfind('.');
  if (first == std::string_view::npos || last == first || token.find('.', first + 1) != last) throw BadToken("The token is no JSON web token");
  const json::object header = part_of(token.substr(0, first));
  if (find(header, "crit")) throw BadToken("The token asks for an extension that is not known here");  // RFC 7515 §4.1.11
  const auto signature = base64url_decode(token.substr(last + 1));
  if (!signature || !is_signed(token.substr(0, last), *signature, header, keys)) throw BadToken("The token is not signed by a key of this server");

  const json::object claims = part_of(token.substr(first + 1, last - first - 1));
  const auto moment = static_cast<double>(now), leeway = static_cast<double>(rules.leeway_s);
  const auto expires = time_of(claims, "exp");
  if (!expires) throw BadToken("The token has no time of expiry");
  if (moment >= *expires + leeway) throw BadToken("The token has expired");
  if (const auto from = time_of(claims, "nbf"); from && moment + leeway < *from) throw BadToken("The token is not valid yet");
  if (!rules.audience.empty() && !is_for(claims, rules.audience)) throw BadToken("The token is for another audience");
  if (!rules.issuer.empty() && string_or(claims, "iss", "") != rules.issuer) throw BadToken("The token is from another issuer");
  const std::string user = string_or(claims, "sub", "");
  if (user.empty()) throw BadToken("The token names no user");
  if (user.size() > kLongestUser || !is_valid_utf8(user) || user.find('\0') != std::string::npos) throw BadToken("The token's user is no name");
  if (is_reserved_user(user)) throw BadToken("The token's user has a name that this server keeps for itself");
  return {user, static_cast<std::int64_t>(std::min(*expires, 9e15))};
}

std::string sign_jwt(const JwtKey& key, const json::object& claims) {
  json::object header{{"alg", name_of(key.algorithm())}, {"typ", "JWT"}};
  if (!key.id().empty()) header.emplace("kid", key.id());
  const std::string text = base64url(dump(json::value(header))) + "." + base64url(dump(json::value(claims)));
  return text + "." + base64url(key.sign(text));
}

std::vector<JwtKey> jwks_keys(std::string_view text) {
  const json::value document = parse_json(text);
  const auto* object = document.if_object();
  const auto* list = object ? find(*object, "keys") : nullptr;
  if (!list || !list->is_array()) throw InvalidInput("no JWKS: it has no list of keys");
  std::vector<JwtKey> keys;
  for (const auto& one : list->get_array())
    if (const auto* key = one.if_object())
      if (auto known = JwtKey::jwk(*key)) keys.push_back(std::move(*known));
  return keys;
}

}  // namespace darkroom
