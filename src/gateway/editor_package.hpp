#pragma once
// Where the editor's files lie: --front-end-root, or the package in the project's Python environment (DESIGN §6).

#include <filesystem>
#include <optional>
#include <string>

namespace darkroom {

/// The Python environment of this build: $DARKROOM_VENV, or ~/.cache/darkroom/venv-<hash of the lock file>. It need not exist.
std::filesystem::path python_environment();

/// The folder with the editor's index.html; nothing when it is not installed. `given`: --front-end-root, or empty.
std::optional<std::filesystem::path> editor_folder(const std::filesystem::path& given);

/// The page at `/` when there is no editor: says so, and how to get it.
std::string page_without_editor();

}  // namespace darkroom
