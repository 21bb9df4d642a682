#include "storage/room_sweep.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <system_error>

#include "storage/user_room.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

/// The newest change of the folder or of anything below it; the end of time where that can't be told.
fs::file_time_type newest_change(const fs::path& folder) {
  std::error_code failure;
  auto newest = fs::last_write_time(folder, failure);
  for (fs::recursive_directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
    std::error_code gone;
    if (entry->is_symlink(gone)) continue;
    const auto changed = entry->last_write_time(gone);
    if (!gone) newest = std::max(newest, changed);
  }
  return failure ? fs::file_time_type::max() : newest;
}

}  // namespace

std::size_t remove_old_visitors(const Folders& folders, fs::file_time_type now, std::chrono::seconds age) {
  const fs::path parents[] = {folders.input / kVisitorRooms, folders.output / kVisitorRooms, folders.temp / kVisitorRooms, folders.user / kVisitorRooms};
  std::map<std::string, fs::file_time_type> rooms;  // name -> the newest change in any of its folders
  for (const auto& parent : parents) {
    std::error_code failure;
    for (fs::directory_iterator entry(parent, failure), end; !failure && entry != end; entry.increment(failure)) {
      std::error_code unknown;
      if (entry->is_symlink(unknown) || !entry->is_directory(unknown)) continue;
      auto& newest = rooms.try_emplace(entry->path().filename().string(), fs::file_time_type::min()).first->second;
      newest = std::max(newest, newest_change(entry->path()));
    }
  }
  std::size_t removed = 0;
  for (const auto& [name, changed] : rooms) {
    if (changed == fs::file_time_type::max() || now - changed < age) continue;
    for (const auto& parent : parents) {
      std::error_code failure;
      fs::remove_all(parent / name, failure);
    }
    ++removed;
  }
  return removed;
}

}  // namespace darkroom
