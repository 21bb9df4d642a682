#pragma once
// The proxy that the environment names.

#include <functional>
#include <optional>
#include <string>

#include "client/server_url.hpp"

namespace darkroom {

/// Value of an environment variable; empty when it is not set.
using Environment = std::function<std::string(const char* name)>;
std::string process_environment(const char* name);

/// The proxy for `server`, by https_proxy or HTTPS_PROXY for https, http_proxy for http (upper case is left alone there: CGI), unless
/// no_proxy or NO_PROXY lists the host: a name with all below it, or "*". Throws InvalidInput for an address that is none.
std::optional<ServerUrl> proxy_for(const ServerUrl& server, const Environment& environment = process_environment);

}  // namespace darkroom
