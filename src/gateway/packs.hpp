#pragma once
// What packs of custom nodes bring besides Python: scripts for the editor, translations, example workflows, subgraphs
// (protocol.md §3.13). Only files are read; no pack is run.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "storage/folders.hpp"

namespace darkroom {

/// A folder of a pack whose files are served at /extensions/<name>/.
struct WebFolder {
  std::string name;
  std::filesystem::path folder;
};

/// The folders among Folders::packs().
std::vector<std::filesystem::path> pack_folders(const Folders& folders);

/// Every .py file of the packs that may be used, those that are one file among them; sorted.
std::vector<std::filesystem::path> pack_code(const Folders& folders);

/// The web folders that a pack declares: WEB_DIRECTORY, where `__init__.py` sets it to a plain text, under the folder's name;
/// `web` of `[tool.comfy]` in pyproject.toml, under the project's name. A folder outside of its pack is left out.
std::vector<WebFolder> web_folders(const Folders& folders);

/// Relative paths of all `.js` files below a folder, sorted.
std::vector<std::string> scripts_below(const std::filesystem::path& folder);

/// `{language: {...}}`: locales/<language>/main.json of all packs, with nodeDefs, commands and settings under their keys.
json::object translations(const Folders& folders);

/// `{pack: [names]}` of the example workflows.
json::object workflow_templates(const Folders& folders);
/// The file of /api/workflow_templates/<pack>/<name>; nothing unless it is a .json or .jpg in a folder of examples.
std::optional<std::filesystem::path> workflow_template(const Folders& folders, const std::string& pack, const std::string& name);

struct Subgraph {
  std::string id;  ///< sha256 of "custom_node" and the path
  std::string name, pack;
  std::filesystem::path file;
  json::object info() const;
  std::string text() const;  ///< of the file
};
std::vector<Subgraph> subgraphs(const Folders& folders);

}  // namespace darkroom
