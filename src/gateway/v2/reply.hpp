#pragma once
// What all replies of API v2 have in common: its error envelope, times, and addresses that a client can follow (docs/api-v2.md).

#include <cstdint>
#include <stdexcept>
#include <string>

#include "base/json.hpp"
#include "gateway/http.hpp"

namespace darkroom::v2 {

/// A request that can't be done: status and code of the reply.
struct Refusal : std::runtime_error {
  Refusal(int of_status, std::string of_code, const std::string& message, json::value of_details = nullptr)
      : std::runtime_error(message), status(of_status), code(std::move(of_code)), details(std::move(of_details)) {}
  int status;
  std::string code;
  json::value details;  ///< an object or null
  std::int64_t retry_after_s = 0;
};

/// `{"error": {"code", "message", "details"}}`, and Retry-After where it says so.
Response error(const Refusal& why);
Response error(int status, std::string code, std::string message);

/// Runs a handler; what it throws becomes a reply.
asio::awaitable<Response> guarded(asio::awaitable<Response> handling);

/// RFC 3339 in UTC with milliseconds; null for 0.
json::value time_or_null(std::int64_t ms);
std::string time_text(std::int64_t ms);
/// For what does not expire: clients want a time.
std::string a_year_after(std::int64_t ms);

/// Scheme, host and outer prefix as the client sees them, without a slash at the end: of the request, or of the proxy that passed it on.
std::string base_address(const Request& request);
/// The outer prefix alone: "" where no proxy mounts the server under one.
std::string outer_prefix(const Request& request);

/// JSON that only has ASCII characters: clients split lines at other ones too.
std::string ascii_json(const json::value& value);

}  // namespace darkroom::v2
