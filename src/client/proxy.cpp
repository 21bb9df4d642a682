#include "client/proxy.hpp"

#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

bool is_spared(const std::string& host, const std::string& list) {
  for (const auto& item : split(list, ',')) {
    std::string name = lower(trim(item));
    if (name == "*") return true;
    if (name.starts_with('.')) name.erase(0, 1);
    if (!name.empty() && (host == name || host.ends_with("." + name))) return true;
  }
  return false;
}

}  // namespace

std::string process_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::optional<ServerUrl> proxy_for(const ServerUrl& server, const Environment& environment) {
  const auto first = [&](const char* a, const char* b) {
    const std::string value = environment(a);
    return value.empty() && b ? environment(b) : value;
  };
  const std::string proxy = server.tls ? first("https_proxy", "HTTPS_PROXY") : first("http_proxy", nullptr);
  if (proxy.empty() || is_spared(lower(server.host), first("no_proxy", "NO_PROXY"))) return std::nullopt;
  ServerUrl url = ServerUrl::parse(proxy);
  if (url.tls) throw InvalidInput("the proxy " + url.authority() + " is asked for over TLS; only http:// proxies are spoken to");
  return url;
}

}  // namespace darkroom
