#pragma once
// What a run gave: the files and texts in its nodes' ui data, and where the files go on this side.

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

struct ResultFile {
  std::string node, filename, subfolder, type;  ///< type: "output", "temp" or "input", as in /view
  bool operator==(const ResultFile&) const = default;
};

struct RunResults {
  std::vector<ResultFile> files;
  std::vector<std::pair<std::string, std::string>> texts;  ///< node id, text
};

/// Collects from `outputs` (node id → ui), in order, each file once. Whatever is no file and no text is left out.
RunResults results_of(const json::object& outputs);

/// The path of a result below `folder`: its subfolder and name, ` (1)` and so on behind the name while one is taken.
/// The names come from a server: throws Forbidden for one that leaves the folder. Makes the subfolder.
std::filesystem::path place_for(const ResultFile& file, const std::filesystem::path& folder);

}  // namespace darkroom
