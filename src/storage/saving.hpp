#pragma once
// Names of saved files: prefix patterns, sub-folders and counters (protocol.md §9.3).

#include <filesystem>
#include <string>
#include <string_view>

namespace darkroom {

struct SaveTarget {
  std::filesystem::path folder;  ///< exists
  std::string name;              ///< file name without number: "ComfyUI"
  std::string subfolder;         ///< "" or "a/b"
  int counter = 1;               ///< first free number
};

/// `%width% %height% %year% %month% %day% %hour% %minute% %second%` of `prefix` are replaced, its sub-folder is made and the
/// next number found. Throws Forbidden ("**** ERROR: Saving image outside the output folder is not allowed. ...") when it leaves `root`.
SaveTarget save_target(const std::filesystem::path& root, std::string_view prefix, int width, int height);

/// `NAME_00001_.png`; `%batch_num%` in the name becomes `batch`.
std::string numbered(std::string_view name, int batch, int counter, std::string_view extension);

/// Writes a file under a name that nobody sees until it is whole: a temporary beside it, fsync where `durable`, rename.
void write_file(const std::filesystem::path& path, std::string_view bytes, bool durable = false);

}  // namespace darkroom
