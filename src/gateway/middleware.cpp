#include "gateway/middleware.hpp"

#include <arpa/inet.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

struct Authority {
  std::string name, port;  ///< lower case; an IPv6 address without brackets
};

Authority parse_authority(std::string_view text) {
  const auto user = text.rfind('@');
  if (user != std::string_view::npos) text.remove_prefix(user + 1);
  if (!text.empty() && text.front() == '[') {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return {lower(text), ""};
    const std::string_view rest = text.substr(end + 1);
    return {lower(text.substr(1, end - 1)), std::string(rest.empty() ? rest : rest.substr(1))};
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return {lower(text), ""};
  return {lower(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

std::string_view authority_of_url(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of("/?#"));
}

bool ends_with_nocase(std::string_view text, std::string_view lower_ending) {
  if (text.size() < lower_ending.size()) return false;
  text.remove_prefix(text.size() - lower_ending.size());
  return std::equal(text.begin(), text.end(), lower_ending.begin(), [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

bool is_picture(std::string_view path) {
  static constexpr std::array kEndings{".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"};
  return std::any_of(kEndings.begin(), kEndings.end(), [&](const char* ending) { return ends_with_nocase(path, ending); });
}

}  // namespace

bool is_loopback_address(const std::string& text) {
  in_addr four{};
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six{};
  if (inet_pton(AF_INET6, text.c_str(), &six) != 1) return false;
  if (IN6_IS_ADDR_V4MAPPED(&six)) return six.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&six);
}

bool same_origin(std::string_view host, std::string_view origin) {
  Authority ours = parse_authority(host), theirs = parse_authority(authority_of_url(origin));
  const std::string usual = origin.starts_with("https:") ? "443" : "80";
  for (Authority* one : {&ours, &theirs})
    if (one->port.empty()) one->port = usual;
  return !ours.name.empty() && ours.name == theirs.name && ours.port == theirs.port;
}

OriginCheck::OriginCheck(std::istream& hosts) : loopback_names_{"localhost"} {
  std::set<std::string> elsewhere;
  for (std::string line; std::getline(hosts, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address, name;
    words >> address;
    while (words >> name) (is_loopback_address(address) ? loopback_names_ : elsewhere).insert(lower(name));
  }
  for (const auto& name : elsewhere) loopback_names_.erase(name);
}

bool OriginCheck::is_loopback(const std::string& name) const {
  return is_loopback_address(name) || loopback_names_.contains(name) || std::string_view(name).ends_with(".localhost");
}

bool OriginCheck::refuses(std::string_view host, std::string_view origin) const {
  if (host.empty() || origin.empty()) return false;
  Authority ours = parse_authority(host);
  Authority theirs = parse_authority(authority_of_url(origin));
  if (ours.name.empty() || theirs.name.empty() || !is_loopback(ours.name)) return false;
  if (ours.port.empty() || theirs.port.empty()) return ours.name != theirs.name;
  return ours.name != theirs.name || ours.port != theirs.port;
}

std::string_view cache_control(std::string_view path, int status, bool static_file) {
  // Nearly every path is a plain route: one look at its last character settles it.
  if (path.empty() || !(std::string_view("sSgGmMpPfFnN").find(path.back()) != std::string_view::npos)) return {};
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (path.ends_with(".js") || path.ends_with(".css") || (name.starts_with("index") && name.ends_with(".json"))) return "no-cache";
  if (!is_picture(path)) return {};
  if (status == 404 && static_file) status = 200;
  if ((status >= 200 && status <= 206) || status == 301 || status == 308) return "public, max-age=86400";
  if (status == 404) return "public, max-age=3600";
  if (status == 302 || status == 303 || status == 307) return "no-cache";
  return {};
}

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    const std::string_view item = accept_encoding.substr(0, comma);
    const auto semicolon = item.find(';');
    const std::string coding = lower(trim(item.substr(0, semicolon)));
    if (coding == "gzip" || coding == "x-gzip") {
      std::string weight = semicolon == std::string_view::npos ? "" : lower(item.substr(semicolon + 1));
      std::erase(weight, ' ');
      return !(weight.starts_with("q=0") && weight.find_first_not_of("0.", 2) == std::string::npos);
    }
    if (comma == std::string_view::npos) break;
    accept_encoding.remove_prefix(comma + 1);
  }
  return false;
}

bool compressible(const Response& response) {
  if (response.file || (response.shared_body ? response.shared_body->empty() : response.body.empty())) return false;
  bool of_text = false;
  for (const auto& [name, value] : response.headers) {
    const std::string key = lower(name);
    if (key == "content-encoding") return false;
    if (key == "content-type") of_text = value.starts_with("application/json") || value.starts_with("text/plain");
  }
  return of_text;
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw InternalError("gzip: no memory");
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw InternalError("gzip: failed");
  return out;
}

void add_cors(Response& response, const std::string& origin) {
  // In place of what a route of a pack says itself, as in ComfyUI: of two origins browsers take neither.
  std::erase_if(response.headers, [](const auto& header) {
    static constexpr std::array kOurs{"access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers",
                                      "access-control-allow-credentials"};
    return std::ranges::find(kOurs, lower(header.first)) != kOurs.end();
  });
  response.header("Access-Control-Allow-Origin", origin)
      .header("Access-Control-Allow-Methods", "POST, GET, DELETE, PUT, OPTIONS, PATCH")
      .header("Access-Control-Allow-Headers", "Content-Type, Authorization")
      .header("Access-Control-Allow-Credentials", "true");
}

namespace {
/// `error.type` of a kind; clients print `error.message`.
const char* error_type(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput: return "invalid_input";
    case ErrorKind::kNotFound: return "not_found";
    case ErrorKind::kForbidden: return "forbidden";
    case ErrorKind::kConflict: return "conflict";
    case ErrorKind::kTooLarge: return "too_large";
    case ErrorKind::kUnavailable: return "unavailable";
    case ErrorKind::kTimeout: return "timeout";
    case ErrorKind::kOutOfMemory: return "out_of_memory";
    case ErrorKind::kInternal: break;
  }
  return "internal_error";
}
}  // namespace

Response error_response(std::exception_ptr error) {
  // Texts of our own faults may hold paths: they go to the log, the client gets one sentence.
  const auto internal = [](const char* what) {
    log::error("request failed: {}", what);
    return Response::error(500, "internal_error", "The server failed to answer this request.");
  };
  try {
    std::rethrow_exception(error);
  } catch (const BodyTooLarge& e) {
    return Response::text(413, e.text);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::kInternal || e.kind() == ErrorKind::kOutOfMemory) return internal(e.what());
    return Response::error(http_status(e.kind()), error_type(e.kind()), e.what());
  } catch (const std::exception& e) {
    return internal(e.what());
  } catch (...) {
    return internal("unknown exception");
  }
}

}  // namespace darkroom
