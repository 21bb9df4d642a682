#pragma once
// The temp folder holds pictures that nobody asked to keep: it is emptied by age.

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <unordered_set>

namespace darkroom {

/// Limit: time that a file of the temp folder is kept after its last change, s. Beyond: it is removed, unless the history names it. Fixed:
/// pictures of previews are looked at while the page is open. Edge: TempSweep.a_file_goes_the_moment_it_is_too_old.
constexpr auto kTempAge = std::chrono::seconds(86'400);

/// Removes the files below `folder` whose last change is at least `kTempAge` before `now`, except those of `kept` (paths relative to
/// `folder`); how many. Links are removed, never followed; folders stay, for somebody may be about to write into them; what can't be
/// read or removed stays.
std::size_t remove_old_files(const std::filesystem::path& folder, std::filesystem::file_time_type now,
                             const std::unordered_set<std::string>& kept);

}  // namespace darkroom
