#pragma once
// How a file is sent: conditional requests, one byte range, and what to do when it is not there (protocol.md §1.5, RFC 9110).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http.hpp"

namespace darkroom {

struct FileFacts {
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;  ///< since 1970
};

struct ByteRange {
  std::uint64_t first = 0, length = 0;
};

enum class RangeKind { kNone, kOne, kUnsatisfiable };

/// Reads `bytes=a-b`, `bytes=a-` or `bytes=-n`. Several ranges and other units count as none: the whole file is then sent.
RangeKind parse_range(std::string_view header, std::uint64_t size, ByteRange& range);

std::string etag_of(const FileFacts& facts);

/// Decides on 200, 206, 304 or 416 and sets status and headers of `response`. Returns the bytes of the file to send.
ByteRange plan_file(const Request& request, const FileFacts& facts, Response& response);

/// An open file; closes itself.
class OpenFile {
 public:
  OpenFile() = default;
  /// Opens a regular file and reads its facts; `status` says why not: 404 missing, 403 a folder or not readable. Blocks.
  static OpenFile open(const std::string& path);
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile();

  int status() const { return status_; }
  const FileFacts& facts() const { return facts_; }
  /// Up to `size` bytes at `offset`, fewer only at the end of the file. Throws InternalError when it can't be read. Blocks.
  std::string read(std::uint64_t offset, std::size_t size) const;

 private:
  int fd_ = -1;
  int status_ = 200;
  FileFacts facts_;
};

}  // namespace darkroom
