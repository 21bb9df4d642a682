#pragma once
// Where a server listens.

#include <string>
#include <string_view>

namespace darkroom {

/// "http://host:port/base", also without the scheme; "https://host" for TLS.
struct ServerUrl {
  bool tls = false;
  std::string host, port = "80", base;  ///< base: "" or "/api/x", without a slash at its end
  /// Throws InvalidInput for another scheme, a missing host or a port that is no number.
  static ServerUrl parse(std::string_view text);
  std::string authority() const;  ///< "host:port", an IPv6 address in brackets
};

}  // namespace darkroom
