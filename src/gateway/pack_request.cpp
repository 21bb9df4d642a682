#include "gateway/pack_request.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "gateway/http.hpp"

namespace darkroom {
namespace {

constexpr std::array<std::string_view, 9> kOfOneHop = {
    "connection", "keep-alive",        "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
    "trailer",    "transfer-encoding", "upgrade"};

bool has(const auto& list, std::string_view name) { return std::ranges::find(list, name) != std::ranges::end(list); }

/// Headers that a message names as its connection's own.
std::vector<std::string> named_by_connection(const HeaderList& headers) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers)
    if (lower(name) == "connection")
      for (const auto& item : split(value, ',')) names.push_back(lower(trim(item)));
  return names;
}

}  // namespace

bool asks_for_websocket(const Request& request) {
  if (request.method != "GET" || !has(named_by_connection(request.headers), "upgrade")) return false;
  for (const auto& item : split(request.header("upgrade"), ','))
    if (lower(trim(item)) == "websocket") return true;
  return false;
}

Framing framing_of(const Request& request) {
  if (!request.header("transfer-encoding").empty()) return Framing::kChunked;
  return request.header("content-length").empty() ? Framing::kNone : Framing::kLength;
}

std::string pack_request_head(const Request& request, std::string_view client_address, bool tls) {
  std::string head = request.method + ' ' + request.target + " HTTP/1.1\r\n";
  const auto add = [&head](std::string_view name, std::string_view value) {
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  };
  const bool websocket = asks_for_websocket(request);
  const std::vector<std::string> named = named_by_connection(request.headers);
  std::string forwarded;
  for (const auto& [name, value] : request.headers) {
    // 100-continue has been settled with the client; what a client says of its own way is another's word, and kept as such.
    if (has(kOfOneHop, name) || has(named, name) || name == "expect" || name == "content-length") continue;
    if (name == "x-forwarded-proto" && tls) continue;
    if (name == "x-forwarded-for") forwarded += (forwarded.empty() ? "" : ", ") + value;
    else add(name, value);
  }
  if (!client_address.empty()) (forwarded += forwarded.empty() ? "" : ", ") += client_address;
  if (!forwarded.empty()) add("X-Forwarded-For", forwarded);
  if (tls) add("X-Forwarded-Proto", "https");
  switch (framing_of(request)) {
    case Framing::kChunked: add("Transfer-Encoding", "chunked"); break;
    case Framing::kLength: add("Content-Length", request.header("content-length")); break;
    case Framing::kNone: break;
  }
  if (websocket) {
    add("Connection", "Upgrade");
    add("Upgrade", "websocket");
  } else {
    add("Connection", "close");
  }
  head += "\r\n";
  return head;
}

HeaderList client_headers(const HeaderList& of_pack) {
  const std::vector<std::string> named = named_by_connection(of_pack);
  HeaderList kept;
  for (const auto& header : of_pack) {
    const std::string name = lower(header.first);
    if (has(kOfOneHop, name) || has(named, name) || name == "content-length" || name == "date" || name == "server") continue;
    kept.push_back(header);
  }
  return kept;
}

}  // namespace darkroom
