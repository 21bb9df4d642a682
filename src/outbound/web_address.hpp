#pragma once
// The address of a file on the web, and where a redirect leads.

#include <string>
#include <string_view>

#include "client/server_url.hpp"

namespace darkroom {

struct WebAddress {
  ServerUrl server;
  std::string target = "/";  ///< path and query, percent-encoded

  /// "https://host/path?query"; a fragment is dropped. Throws InvalidInput for another scheme, a user name, blanks and control characters.
  static WebAddress parse(std::string_view text);
  /// Where `location` (RFC 9110 §10.2.2: absolute, or relative to this one) leads. Throws Forbidden when it leads from https to http.
  WebAddress follow(std::string_view location) const;

  std::string text() const;
  std::string file_name() const;  ///< last part of the path, decoded; may be empty
};

/// Whether `text` begins as an address does, "http://" or "https://".
bool is_web_address(std::string_view text);

}  // namespace darkroom
