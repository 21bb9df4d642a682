#pragma once
// Secrets that the server makes for itself and keeps.

#include <filesystem>
#include <functional>
#include <string>

namespace darkroom {

/// What `file` holds; one that is not there is made of what `make` gives, readable by its owner alone. Of several that make it at the same
/// moment all read the same. Throws Forbidden when it can't be read or made.
std::string read_or_make_secret(const std::filesystem::path& file, const std::function<std::string()>& make);

}  // namespace darkroom
