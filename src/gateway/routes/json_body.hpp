#pragma once
// JSON bodies of routes, parsed whatever the content type says: whole ones of prompts, and what the routes of queue, history and jobs
// share.

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "gateway/http.hpp"

namespace darkroom {

struct Services;

/// The JSON of a whole body; a long one is parsed on the pool. Throws InvalidInput, TooLarge.
asio::awaitable<json::value> parse_body(Services& services, const std::string& body);

/// The object of a body; nothing when it is no JSON or no object.
inline std::optional<json::object> object_body(const Request& request) {
  try {
    json::value body = parse_json(request.body);
    if (body.is_object()) return std::move(body.get_object());
  } catch (const Error&) {
    return std::nullopt;
  }
  return std::nullopt;
}

/// The reply to a body that the original fails on. Recorded as 500; its words are ours.
inline Response bad_body() { return Response::error(500, "invalid_body", "The body must be a JSON object"); }

inline bool flag(const json::object& body, std::string_view key) {
  const auto* value = find(body, key);
  return value && truthy(*value);
}

/// The ids of a list; anything else names nobody.
inline std::vector<std::string> ids_of(const json::object& body, std::string_view key) {
  std::vector<std::string> ids;
  if (const auto* list = find_array(body, key))
    for (const auto& id : *list) ids.push_back(python_str(id));
  return ids;
}

}  // namespace darkroom
