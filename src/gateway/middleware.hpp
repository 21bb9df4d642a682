#pragma once
// Rules that hold for every reply, as pure functions: origin check, cache headers, compression (protocol.md §1.4 to §1.6).

#include <istream>
#include <set>
#include <string>
#include <string_view>

#include "gateway/http.hpp"

namespace darkroom {

/// Decides whether a page of another origin may drive this server. Names that mean this machine are read once, from a hosts file:
/// asking a name server for whatever a client writes into `Host` would let it stall the io thread.
class OriginCheck {
 public:
  explicit OriginCheck(std::istream& hosts);
  /// True when the request is to be answered with 403. Either header may be empty.
  bool refuses(std::string_view host, std::string_view origin) const;

 private:
  bool is_loopback(const std::string& name) const;
  std::set<std::string> loopback_names_;
};

/// Are these the same host and port? `host`: as in the header of that name; the port of the origin's scheme where one says none.
bool same_origin(std::string_view host, std::string_view origin);
/// "127.0.0.1", "::1" and their like; false for names.
bool is_loopback_address(const std::string& text);

/// Cache-Control of a reply whose handler set none; "" for no such header. `static_file`: served out of a folder.
std::string_view cache_control(std::string_view path, int status, bool static_file);

/// Does Accept-Encoding take gzip (and not with q=0)?
bool accepts_gzip(std::string_view accept_encoding);
/// Is this reply one that --enable-compress-response-body compresses: JSON or text, not empty, not encoded yet?
bool compressible(const Response& response);
std::string gzip(std::string_view bytes);

/// Headers of --enable-cors-header, in place of those that are there. `origin` is what it was given, "*" by default.
void add_cors(Response& response, const std::string& origin);

/// The reply that an exception of a handler becomes: Error by its kind, TooLarge of a body as text, all else 500.
Response error_response(std::exception_ptr error);

/// 413 as ComfyUI words it; thrown by whoever reads a body past its limit.
struct BodyTooLarge : std::exception {
  explicit BodyTooLarge(std::size_t limit) : text("Maximum request body size " + std::to_string(limit) + " exceeded.") {}
  const char* what() const noexcept override { return text.c_str(); }
  std::string text;
};

}  // namespace darkroom
