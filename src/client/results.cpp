#include "client/results.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/resolve_inside.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

void collect(const std::string& node, const json::value& item, RunResults& results) {
  if (const auto* text = item.if_string()) {
    results.texts.emplace_back(node, std::string(*text));
    return;
  }
  const auto* object = item.if_object();
  if (!object) return;
  ResultFile file{node, string_or(*object, "filename", ""), string_or(*object, "subfolder", ""), string_or(*object, "type", "output")};
  if (file.filename.empty()) return;
  // Equal nodes share one result, and each tells of it.
  const auto same = [&](const ResultFile& other) { return other.filename == file.filename && other.subfolder == file.subfolder && other.type == file.type; };
  if (std::none_of(results.files.begin(), results.files.end(), same)) results.files.push_back(std::move(file));
}

}  // namespace

RunResults results_of(const json::object& outputs) {
  RunResults results;
  for (const auto& [node, ui] : outputs) {
    const auto* lists = ui.if_object();
    if (!lists) continue;
    for (const auto& [key, value] : *lists) {
      const auto* list = value.if_array();
      if (!list) continue;
      // Texts count only where a node shows text: other lists hold names and flags.
      for (const auto& item : *list)
        if (!item.is_string() || key == "text") collect(std::string(node), item, results);
    }
  }
  return results;
}

fs::path place_for(const ResultFile& file, const fs::path& folder) {
  fs::create_directories(folder);
  const std::string relative = file.subfolder.empty() ? file.filename : file.subfolder + "/" + file.filename;
  const fs::path wanted = resolve_inside(folder, relative);
  if (wanted == resolve_inside(folder, "")) throw Forbidden("the server names a file that is the folder itself: " + relative);
  fs::create_directories(wanted.parent_path());
  fs::path path = wanted;
  for (int n = 1; fs::exists(fs::symlink_status(path)); ++n)
    path = wanted.parent_path() / (wanted.stem().string() + " (" + std::to_string(n) + ")" + wanted.extension().string());
  return path;
}

}  // namespace darkroom
