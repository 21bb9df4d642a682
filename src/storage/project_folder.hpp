// Where the project's own files are: in the checkout, or where it was installed.
#pragma once

#include <filesystem>

namespace darkroom {

/// `name` of the checkout that `program` (the path of an executable) lies in, or `share/darkroom/name` of the prefix that it was installed
/// to: the first one, going up, that has the file `mark`. Empty where there is none.
std::filesystem::path project_folder(const std::filesystem::path& program, const std::filesystem::path& name,
                                     const std::filesystem::path& mark);
std::filesystem::path project_folder(const std::filesystem::path& name, const std::filesystem::path& mark);  ///< of the program that runs

}  // namespace darkroom
