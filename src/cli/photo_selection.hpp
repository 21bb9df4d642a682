#pragma once
// Which photographs `darkroom restore` was given: files, folders and patterns, each photograph once.

#include <filesystem>
#include <string>
#include <vector>

namespace darkroom {

struct Photo {
  std::filesystem::path file;      ///< as the user would write it
  std::filesystem::path relative;  ///< below the folder that was given; of a single file its name
};

struct SelectionProblem {
  std::filesystem::path path;
  std::string why;
};

struct Selection {
  std::vector<Photo> photos;               ///< in the order given, a folder's by name
  std::vector<SelectionProblem> problems;  ///< what can't be read, is not there, or matches nothing
};

/// `arguments`: a file is taken whatever its name; a folder gives the pictures in it (by their endings, hidden ones left out), with
/// `recursive` also those of the folders below, links followed once; what is neither is a pattern (* ? [abc], glob(7)). `leave_out`: a
/// folder that is not gone into, for results; "" for none. Earlier results beside their originals are left out, see is_result_of().
Selection select_photos(const std::vector<std::string>& arguments, bool recursive, const std::filesystem::path& leave_out);

/// Whether a file's ending is one of a picture that can be restored.
bool has_picture_ending(const std::filesystem::path& file);

}  // namespace darkroom
