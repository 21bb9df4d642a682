#include "gateway/api_error.hpp"

#include "base/error.hpp"
#include "gateway/allowances.hpp"
#include "gateway/middleware.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kRetryAfter = 5;  ///< s, of what is busy

const char* type_of(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

json::value text_or_null(const std::string& text) { return text.empty() ? json::value() : json::value(text); }

}  // namespace

ApiError api_error_of(const std::exception_ptr& fault) {
  try {
    std::rethrow_exception(fault);
  } catch (const ApiError& error) {
    return error;
  } catch (const BodyTooLarge& large) {
    return {413, large.what(), "too_large"};
  } catch (const Exhausted& why) {
    return {429, why.what(), "too_many_uploads", "", why.retry_after_s};
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInternal || error.kind() == ErrorKind::kOutOfMemory) throw;
    return {http_status(error.kind()), error.what(), "", "", error.kind() == ErrorKind::kUnavailable ? kRetryAfter : 0};
  }
}

Response api_error(const ApiError& error) {
  json::object body{{"message", error.message},
                    {"type", type_of(error.status)},
                    {"param", text_or_null(error.param)},
                    {"code", text_or_null(error.code)}};
  Response response = Response::of_json(json::object{{"error", std::move(body)}}, error.status);
  if (error.retry_after_s > 0) response.header("Retry-After", std::to_string(error.retry_after_s));
  else response.header("x-should-retry", "false");
  return response;
}

}  // namespace darkroom
