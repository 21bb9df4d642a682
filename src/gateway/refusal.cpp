#include "gateway/refusal.hpp"

#include "gateway/api_error.hpp"
#include "gateway/v2/reply.hpp"

namespace darkroom {
namespace {

bool is_v2(const Request& request) { return request.path.starts_with("/api/v2/"); }
bool is_v1(const Request& request) { return without_api(request.path).starts_with("/v1/"); }

/// The words of API v2 for the codes of the gatekeeper.
const char* v2_code(int status) { return status == 401 ? "unauthorized" : status == 413 ? "too_large" : "forbidden"; }

}  // namespace

std::string_view without_api(std::string_view path) {
  while (path.starts_with("/api/")) path.remove_prefix(4);
  return path;
}

Response refusal(const Request& request, int status, const char* code, const std::string& why) {
  if (is_v2(request)) return v2::error(status, v2_code(status), why);
  if (is_v1(request)) return api_error({status, why, code});
  const std::string_view path = without_api(request.path);
  const bool own = path.starts_with("/restore") || path.starts_with("/results") || path.starts_with("/auth");
  return own ? Response::of_json(json::object{{"error", why}, {"code", code}}, status) : Response::error(status, code, why);
}

Response too_long(const Request& request, const std::string& why) {
  return is_v2(request) || is_v1(request) ? refusal(request, 413, "too_large", why) : Response::text(413, why);
}

}  // namespace darkroom
