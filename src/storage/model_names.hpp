#pragma once
// Names of models as workflows write them: without an ending, without the scale that a file's name ends with, of a file that is not there.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/folders.hpp"

namespace darkroom {

struct NamedModel {
  std::string key, name;  ///< the model folder, and the name that it is listed by
  std::filesystem::path file;
};

/// The file that `name` means among the folders `keys`: the listed name itself, or another name that a folder knows for it; else one that
/// has this name without its ending (`folder/pytorch_model.bin` also has its folder's); else without a scale at its end ("-x4"), and then
/// the one of the largest scale. Of several folders the first that has one counts, step by step; case, `-` and `_` make no difference.
std::optional<NamedModel> find_model_by_name(const Folders& folders, const std::vector<std::string>& keys, std::string_view name);

/// Does the folder `key` take a name although no file has it, because it is that of a published file which workflows ask for? The node
/// then says how to get it.
bool is_published_name(std::string_view key, std::string_view name);

/// Names of published files of a folder, best first; nothing for most folders.
std::vector<std::string> published_names(std::string_view key);
/// Folders that have some are those whose models workflows name in several ways.
inline bool has_published_names(std::string_view key) { return !published_names(key).empty(); }

/// The files of models/ddcolor, best first: by size (the networks differ in little else), then in the order of published names.
std::vector<NamedModel> colorizers(const Folders& folders);

}  // namespace darkroom
