#pragma once
// Visitors come once and leave their files behind: their rooms are cleared away by age.

#include <chrono>
#include <cstddef>
#include <filesystem>

#include "storage/folders.hpp"

namespace darkroom {

/// Removes the rooms of visitors (storage/user_room.hpp) in whose folders of input, output, temp and user nothing has changed since `age`
/// before `now`; how many. Links are removed, never followed; what can't be read or removed stays.
std::size_t remove_old_visitors(const Folders& folders, std::filesystem::file_time_type now, std::chrono::seconds age);

}  // namespace darkroom
