#include "storage/temp_sweep.hpp"

#include <system_error>
#include <vector>

namespace darkroom {

namespace fs = std::filesystem;

std::size_t remove_old_files(const fs::path& folder, fs::file_time_type now, const std::unordered_set<std::string>& kept) {
  // Listed first, removed afterwards: a folder that changes under its iterator may show a file twice or not at all.
  std::vector<fs::path> old;
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, failure), end;
       !failure && entry != end; entry.increment(failure)) {
    std::error_code unknown;
    const bool link = entry->is_symlink(unknown);
    if (!link && !entry->is_regular_file(unknown)) continue;
    const auto changed = entry->last_write_time(unknown);  // of what a link points to; one that points nowhere is old
    if (unknown ? !link : now - changed < kTempAge) continue;
    if (!kept.contains(entry->path().lexically_relative(folder).generic_string())) old.push_back(entry->path());
  }
  std::size_t removed = 0;
  for (const auto& file : old) removed += fs::remove(file, failure);
  return removed;
}

}  // namespace darkroom
