#pragma once
// A request as a pack's route gets it, and its reply's headers as the client gets them. Pure functions (RFC 9110 §7.6).

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace darkroom {

struct Request;

using HeaderList = std::vector<std::pair<std::string, std::string>>;

/// Does the request ask for a WebSocket? Upgrade alone does not: it counts only where Connection names it.
bool asks_for_websocket(const Request& request);

/// How the body of a request is framed on its way to the pack.
enum class Framing { kNone, kLength, kChunked };
Framing framing_of(const Request& request);

/// Request line and headers, blank line included: target and headers as they came, but those that are meant for one hop; the client's
/// address is added to X-Forwarded-For, and a connection with TLS is told by X-Forwarded-Proto. Each request has a connection of its own.
std::string pack_request_head(const Request& request, std::string_view client_address, bool tls);

/// Headers of a pack's reply without those for one hop, and without length, Date and Server, which this server writes itself.
HeaderList client_headers(const HeaderList& of_pack);

}  // namespace darkroom
