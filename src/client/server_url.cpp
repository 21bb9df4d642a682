#include "client/server_url.hpp"

#include <fmt/format.h>

#include <cctype>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {

ServerUrl ServerUrl::parse(std::string_view text) {
  std::string_view rest = trim(text);
  const auto refuse = [&](const char* why) {
    return InvalidInput(fmt::format("the server \"{}\" {}; expected http://HOST:PORT", text, why));
  };
  ServerUrl url;
  if (const auto scheme = rest.find("://"); scheme != rest.npos) {
    const std::string name = lower(rest.substr(0, scheme));
    if (name != "http" && name != "https") throw refuse("is not an http address");
    if (name == "https") {
      url.tls = true;
      url.port = "443";
    }
    rest.remove_prefix(scheme + 3);
  }
  const auto slash = rest.find('/');
  if (slash != rest.npos) {
    url.base = rest.substr(slash);
    while (url.base.ends_with('/')) url.base.pop_back();
    rest = rest.substr(0, slash);
  }
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == rest.npos) throw refuse("has no closing bracket");
    url.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) throw refuse("has something behind the bracket");
  } else {
    const auto colon = rest.find(':');
    url.host = rest.substr(0, colon);
    if (colon != rest.npos) port = rest.substr(colon);
  }
  if (port.size() > 1) url.port = port.substr(1);
  if (url.host.empty()) throw refuse("names no host");
  if (url.port.empty() || url.port.size() > 5 || url.port.find_first_not_of("0123456789") != std::string::npos)
    throw refuse("has a port that is no number");
  return url;
}

std::string ServerUrl::authority() const { return host.find(':') == host.npos ? host + ":" + port : "[" + host + "]:" + port; }

}  // namespace darkroom
