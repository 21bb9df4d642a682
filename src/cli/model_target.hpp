#pragma once
// Where a downloaded model goes: into a folder of the user's that lists it, never anywhere else.

#include <filesystem>
#include <string>

#include "storage/folders.hpp"

namespace darkroom {

/// The path of `file` in the user's folder for `key` (a key of /models): the first one that is searched and is no output folder, for the
/// built-in ones the one that bears the key's name. Makes the folder. Throws InvalidInput for a key that holds no model files, for a name that is more than a
/// plain file name, is hidden, or would not be listed there.
std::filesystem::path model_target(const Folders& folders, const std::string& key, const std::string& file);

}  // namespace darkroom
