#include "cli/byte_range.hpp"

#include <charconv>

#include "base/text.hpp"

namespace darkroom {

std::optional<std::uint64_t> parse_byte_count(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc() || stopped != end || text.empty()) return std::nullopt;
  return value;
}

std::optional<ByteRange> parse_content_range(std::string_view text) {
  text = trim(text);
  if (!starts_with_nocase(text, "bytes ")) return std::nullopt;
  text = trim(text.substr(6));
  const auto slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const std::string_view range = text.substr(0, slash), size = text.substr(slash + 1);
  ByteRange result;
  if (size != "*" && !(result.size = parse_byte_count(size))) return std::nullopt;
  if (range == "*") return result.size ? std::optional(result) : std::nullopt;
  const auto dash = range.find('-');
  if (dash == range.npos) return std::nullopt;
  result.first = parse_byte_count(range.substr(0, dash));
  result.last = parse_byte_count(range.substr(dash + 1));
  if (!result.first || !result.last || *result.last < *result.first || (result.size && *result.last >= *result.size)) return std::nullopt;
  return result;
}

}  // namespace darkroom
