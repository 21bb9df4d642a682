#pragma once
// The head of a reply as bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http.hpp"

namespace darkroom {

struct HeadOptions {
  std::optional<std::uint64_t> content_length;  ///< none: not sent (1xx, 304)
  std::string_view cache_control;               ///< added when the reply has none
  bool keep_alive = true;
  bool http_1_0 = false;
};

/// Appends status line, headers and the blank line. Line ends inside a header's value become blanks.
void append_head(std::string& out, const Response& response, const HeadOptions& options);

std::string_view reason_phrase(int status);

/// "Sun, 06 Nov 1994 08:49:37 GMT", and back (nothing when it is no such date).
std::string http_date(std::int64_t unix_seconds);
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace darkroom
