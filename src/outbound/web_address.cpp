#include "outbound/web_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

/// What may stand in a request's first line: everything beyond ASCII is encoded, what would end the line is refused.
std::string request_target(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    if (c <= 0x20 || c == 0x7f) throw InvalidInput("an address has no blanks and no control characters; write them as %20");
    if (c > 0x7f) out += fmt::format("%{:02X}", c);
    else out += static_cast<char>(c);
  }
  return out;
}

/// RFC 3986 §5.2.4: "/a/b/../c" is "/a/c". Above the root there is nothing.
std::string without_dots(std::string_view path) {
  std::vector<std::string> kept;
  const auto segments = split(path.substr(1), '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string& segment = segments[i];
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (segment != "." && segment != "..") kept.push_back(segment);
    else if (i + 1 == segments.size()) kept.emplace_back();
  }
  std::string out;
  for (const auto& segment : kept) out += "/" + segment;
  return out.empty() ? "/" : out;
}

}  // namespace

bool is_web_address(std::string_view text) { return starts_with_nocase(text, "http://") || starts_with_nocase(text, "https://"); }

WebAddress WebAddress::parse(std::string_view text) {
  const std::string_view given = trim(text);
  if (!is_web_address(given)) throw InvalidInput(fmt::format("\"{}\" is no address; expected https://HOST/PATH", given));
  const std::string_view plain = given.substr(0, given.find('#'));
  const auto path = plain.find_first_of("/?", plain.find("://") + 3);
  const std::string_view origin = plain.substr(0, path);
  if (origin.find('@') != origin.npos) throw InvalidInput("an address with a user name or a password is not taken: it would stay in logs");
  WebAddress address;
  address.server = ServerUrl::parse(request_target(origin));
  if (path != plain.npos) address.target = (plain[path] == '?' ? "/" : "") + request_target(plain.substr(path));
  return address;
}

WebAddress WebAddress::follow(std::string_view location) const {
  const std::string_view to = trim(location.substr(0, location.find('#')));
  WebAddress next = *this;
  if (to.starts_with("//")) {
    next = parse((server.tls ? "https:" : "http:") + std::string(to));
  } else if (to.find("://") < to.find_first_of("/?")) {
    next = parse(to);
  } else if (to.starts_with('/')) {
    next.target = request_target(to);
  } else {
    const std::string path = target.substr(0, target.find('?'));
    const auto query = std::min(to.find('?'), to.size());
    const std::string_view relative = to.substr(0, query);
    next.target = (relative.empty() ? path : without_dots(path.substr(0, path.rfind('/') + 1) + request_target(relative))) + request_target(to.substr(query));
  }
  if (server.tls && !next.server.tls) throw Forbidden(fmt::format("{} leads from https to http; that is not followed", server.authority()));
  return next;
}

std::string WebAddress::text() const {
  const bool usual_port = server.port == (server.tls ? "443" : "80");
  const std::string authority = server.authority();
  return (server.tls ? "https://" : "http://") + (usual_port ? authority.substr(0, authority.rfind(':')) : authority) + target;
}

std::string WebAddress::file_name() const {
  const std::string path = target.substr(0, target.find('?'));
  return percent_decode(std::string_view(path).substr(path.rfind('/') + 1));
}

}  // namespace darkroom
