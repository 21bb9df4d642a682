#pragma once
// The little of zip that torch.save writes: stored entries and a central directory, with the 64-bit forms of both.
// Source: PKWARE APPNOTE 6.3, §4.3.7 to §4.3.16, §4.5.3.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace darkroom {

struct ZipEntry {
  std::string name;
  std::size_t offset;  ///< of the data, from the start of the file
  std::size_t size;
};

/// All entries, in the order of the directory; each lies within `bytes`. Throws InvalidInput for a broken directory
/// and for entries that are compressed, encrypted or split.
std::vector<ZipEntry> read_zip_directory(std::string_view bytes);

}  // namespace darkroom
