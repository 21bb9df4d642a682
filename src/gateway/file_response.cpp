#include "gateway/file_response.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/response_head.hpp"

namespace darkroom {
namespace {

bool parse_number(std::string_view text, std::uint64_t& value) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::string hex(std::uint64_t value) {
  char digits[17];
  return {digits, std::to_chars(digits, digits + 16, value, 16).ptr};
}

/// Weak comparison against a list of tags, or `*`.
bool tag_in_list(std::string_view list, std::string_view tag) {
  for (const auto& item : split(list, ',')) {
    std::string_view candidate = trim(item);
    if (candidate == "*") return true;
    if (candidate.starts_with("W/")) candidate.remove_prefix(2);
    if (candidate == tag) return true;
  }
  return false;
}

/// If-Range holds a tag or a date; a range of a file that changed since is a range of another file.
bool range_still_valid(std::string_view if_range, std::string_view tag, std::int64_t modified) {
  if (if_range.empty()) return true;
  if (if_range.front() == '"') return if_range == tag;
  const auto date = parse_http_date(if_range);
  return date && *date == modified;
}

}  // namespace

RangeKind parse_range(std::string_view header, std::uint64_t size, ByteRange& range) {
  constexpr std::string_view kUnit = "bytes=";
  if (!starts_with_nocase(header, kUnit)) return RangeKind::kNone;
  const std::string_view spec = trim(header.substr(kUnit.size()));
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos) return RangeKind::kNone;
  const std::string_view from = trim(spec.substr(0, dash)), to = trim(spec.substr(dash + 1));
  std::uint64_t first = 0, last = 0;
  if (from.empty()) {
    if (!parse_number(to, last)) return RangeKind::kNone;
    if (last == 0 || size == 0) return RangeKind::kUnsatisfiable;
    range.length = std::min(last, size);
    range.first = size - range.length;
    return RangeKind::kOne;
  }
  if (!parse_number(from, first)) return RangeKind::kNone;
  if (to.empty())
    last = size;
  else if (!parse_number(to, last) || last < first)
    return RangeKind::kNone;
  if (first >= size) return RangeKind::kUnsatisfiable;
  range.first = first;
  range.length = std::min(last, size - 1) - first + 1;
  return RangeKind::kOne;
}

std::string etag_of(const FileFacts& facts) { return "\"" + hex(static_cast<std::uint64_t>(facts.modified_ns)) + "-" + hex(facts.size) + "\""; }

ByteRange plan_file(const Request& request, const FileFacts& facts, Response& response) {
  const std::string tag = etag_of(facts);
  const std::int64_t modified = facts.modified_ns / 1'000'000'000;
  response.header("ETag", tag).header("Last-Modified", http_date(modified)).header("Accept-Ranges", "bytes");

  const std::string_view none_match = request.header("if-none-match");
  const std::string_view modified_since = request.header("if-modified-since");
  bool unchanged = false;
  if (!none_match.empty())
    unchanged = tag_in_list(none_match, tag);
  else if (const auto date = parse_http_date(modified_since))
    unchanged = modified <= *date;
  if (unchanged && response.status == 200) {
    response.status = 304;
    return {};
  }

  ByteRange range{0, facts.size};
  const std::string_view wanted = request.header("range");
  if (wanted.empty() || response.status != 200 || !range_still_valid(request.header("if-range"), tag, modified)) return range;
  switch (parse_range(wanted, facts.size, range)) {
    case RangeKind::kNone: break;
    case RangeKind::kOne:
      response.status = 206;
      response.header("Content-Range", "bytes " + std::to_string(range.first) + "-" + std::to_string(range.first + range.length - 1) + "/" +
                                           std::to_string(facts.size));
      break;
    case RangeKind::kUnsatisfiable:
      response.status = 416;
      response.header("Content-Range", "bytes */" + std::to_string(facts.size));
      return {};
  }
  return range;
}

OpenFile OpenFile::open(const std::string& path) {
  OpenFile file;
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat facts {};
  if (file.fd_ < 0) {
    file.status_ = errno == EACCES || errno == EPERM ? 403 : 404;
  } else if (::fstat(file.fd_, &facts) != 0) {
    file.status_ = 404;
  } else if (!S_ISREG(facts.st_mode)) {
    file.status_ = 403;
  } else {
    file.facts_ = {static_cast<std::uint64_t>(facts.st_size), facts.st_mtim.tv_sec * 1'000'000'000LL + facts.st_mtim.tv_nsec};
  }
  return file;
}

OpenFile::OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), status_(other.status_), facts_(other.facts_) {}

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::string OpenFile::read(std::uint64_t offset, std::size_t size) const {
  std::string out(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::pread(fd_, out.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw InternalError("a file could not be read");
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}

}  // namespace darkroom
