#pragma once
// Refusals of /v1 as clients of OpenAI's interface read them: {"error": {"message", "type", "param", "code"}}.

#include <cstdint>
#include <exception>
#include <string>

#include "gateway/http.hpp"

namespace darkroom {

/// Why a request of /v1 is refused, or came to nothing.
struct ApiError {
  int status = 400;
  std::string message;
  std::string code{};              ///< for programs; "": null
  std::string param{};             ///< the field that is wrong; "": null
  std::int64_t retry_after_s = 0;  ///< when to try again; 0: trying again would not help
};

/// What was thrown while a request was served, as its refusal. Faults of the server itself are thrown on.
ApiError api_error_of(const std::exception_ptr& fault);

/// Says also whether to try again: those clients do, after 408, 409, 429 and 5xx, unless they are told.
Response api_error(const ApiError& error);

}  // namespace darkroom
