#include "tensor/zip.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/error.hpp"

namespace darkroom {
namespace {

constexpr std::uint32_t kEnd = 0x06054b50, kEnd64Locator = 0x07064b50, kEnd64 = 0x06064b50, kCentral = 0x02014b50, kLocal = 0x04034b50;
constexpr std::size_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56, kCentralSize = 46, kLocalSize = 30;

[[noreturn]] void broken(const char* what) { throw InvalidInput(std::string("not a whole zip file: ") + what); }

/// A little-endian number at `at`; the caller's bounds are checked here.
template <class T>
T number(std::string_view bytes, std::size_t at) {
  if (at > bytes.size() || bytes.size() - at < sizeof(T)) broken("cut short");
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

struct Directory {
  std::uint64_t offset, count;
};

Directory find_directory(std::string_view bytes) {
  if (bytes.size() < kEndSize) broken("too short");
  // The end record is the last thing but for a comment of at most 65535 bytes.
  const std::size_t lowest = bytes.size() - std::min<std::size_t>(bytes.size(), kEndSize + 65535);
  for (std::size_t at = bytes.size() - kEndSize + 1; at-- > lowest;) {
    if (number<std::uint32_t>(bytes, at) != kEnd || at + kEndSize + number<std::uint16_t>(bytes, at + 20) != bytes.size()) continue;
    Directory found{number<std::uint32_t>(bytes, at + 16), number<std::uint16_t>(bytes, at + 10)};
    if (at >= kLocatorSize && number<std::uint32_t>(bytes, at - kLocatorSize) == kEnd64Locator) {
      const auto end64 = number<std::uint64_t>(bytes, at - kLocatorSize + 8);
      if (end64 > bytes.size() || bytes.size() - end64 < kEnd64Size || number<std::uint32_t>(bytes, end64) != kEnd64) broken("no 64-bit end record");
      found = {number<std::uint64_t>(bytes, end64 + 48), number<std::uint64_t>(bytes, end64 + 32)};
    }
    if (found.offset > bytes.size() || found.count > (bytes.size() - found.offset) / kCentralSize) broken("the directory is larger than the file");
    return found;
  }
  broken("no end record; is it cut short?");
}

/// Replaces what the 32-bit fields could not hold (0xffffffff) by the values of the zip64 extra field.
void widen(std::string_view extra, std::uint64_t& size, std::uint64_t& packed, std::uint64_t& offset) {
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const auto id = number<std::uint16_t>(extra, at), length = number<std::uint16_t>(extra, at + 2);
    const auto field = extra.substr(at + 4, length);
    if (id == 1) {
      std::size_t next = 0;
      for (auto* value : {&size, &packed, &offset})
        if (*value == 0xffffffffu) *value = number<std::uint64_t>(field, next), next += 8;
      return;
    }
    at += 4 + std::size_t{length};
  }
}

}  // namespace

std::vector<ZipEntry> read_zip_directory(std::string_view bytes) {
  const auto directory = find_directory(bytes);
  std::vector<ZipEntry> entries;
  entries.reserve(directory.count);
  std::size_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    if (number<std::uint32_t>(bytes, at) != kCentral) broken("a directory entry is missing");
    const auto flags = number<std::uint16_t>(bytes, at + 8), method = number<std::uint16_t>(bytes, at + 10);
    std::uint64_t packed = number<std::uint32_t>(bytes, at + 20), size = number<std::uint32_t>(bytes, at + 24), offset = number<std::uint32_t>(bytes, at + 42);
    const std::size_t name_size = number<std::uint16_t>(bytes, at + 28), extra_size = number<std::uint16_t>(bytes, at + 30),
                      comment_size = number<std::uint16_t>(bytes, at + 32);
    const std::size_t tail = at + kCentralSize;
    if (tail > bytes.size() || bytes.size() - tail < name_size + extra_size + comment_size) broken("cut short");
    std::string name(bytes.substr(tail, name_size));
    widen(bytes.substr(tail + name_size, extra_size), size, packed, offset);
    if (flags & 1) throw InvalidInput("zip entry " + name + " is encrypted");
    if (method != 0 || packed != size) throw InvalidInput("zip entry " + name + " is compressed; torch writes them stored");

    if (offset > bytes.size() || bytes.size() - offset < kLocalSize || number<std::uint32_t>(bytes, offset) != kLocal) broken("an entry's header is missing");
    const std::size_t data = offset + kLocalSize + number<std::uint16_t>(bytes, offset + 26) + number<std::uint16_t>(bytes, offset + 28);
    if (data > bytes.size() || bytes.size() - data < size) broken("an entry goes beyond the end");
    entries.push_back({std::move(name), data, static_cast<std::size_t>(size)});
    at = tail + name_size + extra_size + comment_size;
  }
  return entries;
}

}  // namespace darkroom
