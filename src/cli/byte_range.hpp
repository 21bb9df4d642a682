#pragma once
// Numbers of bytes in headers: Content-Length, and the Content-Range of a partial reply (RFC 9110 §8.6, §14.4).

#include <cstdint>
#include <optional>
#include <string_view>

namespace darkroom {

struct ByteRange {
  std::optional<std::uint64_t> first, last;  ///< both or none: "*" of a range that can't be given
  std::optional<std::uint64_t> size;         ///< of the whole; nothing for "*"
};

/// A number of bytes as headers have it: digits alone; nothing for anything else.
std::optional<std::uint64_t> parse_byte_count(std::string_view text);

/// "bytes 100-199/1000", "bytes 100-199/*" or "bytes */1000"; nothing for anything else.
std::optional<ByteRange> parse_content_range(std::string_view text);

}  // namespace darkroom
