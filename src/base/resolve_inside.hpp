#pragma once
// How a name that somebody else gave becomes a path below a folder, or is refused.

#include <filesystem>
#include <string_view>

namespace darkroom {

/// Joins and resolves `relative` below `folder`, symlinks included. Throws Forbidden when any step of it lies outside or is
/// a broken link, InvalidInput for NUL, for absolute and drive forms, for parts over 255 bytes and for what is no UTF-8.
std::filesystem::path resolve_inside(const std::filesystem::path& folder, std::string_view relative);

}  // namespace darkroom
