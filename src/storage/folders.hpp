#pragma once
// Where files lie: input, output, temp and user folders, and the lists of model folders (protocol.md §3.10).
// Nothing outside these can be named by a client.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/resolve_inside.hpp"

namespace darkroom {

/// One key of /models: its folders in order of search, and what counts as a model there.
struct ModelFolder {
  std::string key;
  std::vector<std::filesystem::path> paths;
  std::vector<std::string> extensions;  ///< ".safetensors", ...; "" stands for names without one; no entry at all: any file
  bool folders_only = false;            ///< "diffusers": entries are folders
};

/// Is it a model that ships with the project to show what it does, not for what it makes? Every other one comes before it.
bool is_demonstration(std::string_view name);

/// One file of a model folder, where it lies.
struct ModelFile {
  std::string name;            ///< relative to its folder
  std::size_t path_index = 0;  ///< which folder of the key
  std::filesystem::path file;
};

class Folders {
 public:
  /// ComfyUI's layout below `base`. `shipped`: folders of models that come with the project, listed after the user's own.
  static Folders below(const std::filesystem::path& base, const std::vector<std::filesystem::path>& shipped = {});
  static Folders from_json(const json::object& wire);
  json::object to_json() const;

  /// Adds the folders of an extra_model_paths.yaml. Throws InvalidInput with the line of a fault.
  void add_extra_paths(const std::filesystem::path& yaml_file);
  /// Moves the output folder, and with it the model folders `output/<key>`.
  void use_output(const std::filesystem::path& folder);
  /// The same with the input, output and temp folders of this user (storage/user_room.hpp); they may not have been made yet.
  Folders of_user(std::string_view user) const;
  void create_missing() const;  ///< makes input, output, temp, user, models/*, custom_nodes

  std::filesystem::path base, input, output, temp, user, custom_nodes;
  std::vector<ModelFolder> models;
  /// Names of the packs below custom_nodes that may be used (--disable-all-custom-nodes, --whitelist-custom-nodes); nothing: all.
  std::optional<std::vector<std::string>> allowed_packs;
  std::vector<std::string> denied_packs;  ///< names of those that may not (--deny-custom-nodes), whatever else says so

  /// Folders and single .py files below the custom_nodes folders, by name, the first of each: without hidden ones, `__pycache__`, those that
  /// end in `.disabled`, what is not among allowed_packs and what is denied.
  std::vector<std::filesystem::path> packs() const;

  /// "input", "output" or "temp"; nothing for any other word.
  std::optional<std::filesystem::path> by_type(std::string_view type) const;

  /// The file of `name`, `sub/name` or `name [output|temp|input]`; without a mark in `default_type`'s folder.
  /// Throws Forbidden for a name that leaves its folder (`..`, absolute, NUL, links out). The file need not exist.
  std::filesystem::path annotated(std::string_view name, std::string_view default_type = "input") const;

  const ModelFolder* model_folder(std::string_view key) const;  ///< `unet` and `clip` map to their newer names
  /// Relative names, sorted but with demonstrations last, duplicates once; recursive, links followed, `.git` skipped.
  /// `read`: gets every folder that was looked into, or would have been were it there.
  std::vector<std::string> list_models(std::string_view key, std::vector<std::filesystem::path>* read = nullptr) const;
  /// Every file of every folder of the key, by folder and name; a name may come several times. Hidden files are left out.
  std::vector<ModelFile> model_files(std::string_view key) const;
  /// The file of a listed name, or nothing. Throws Forbidden for a name that leaves the folders.
  std::optional<std::filesystem::path> find_model(std::string_view key, std::string_view name) const;
  /// Plain files of the input folder whose content type begins with one of `content_types` ("image,video"; "" all), sorted.
  /// One that begins with a dot is the ending of a name: ".latent".
  std::vector<std::string> list_input_files(std::string_view content_types) const;
};

/// Folders of models that come with the project, those that exist: `models` of the checkout or the installed share folder of
/// `program` (the path of the running executable), its `demonstration` (if asked for), then `models` of $DARKROOM_CACHE,
/// by default ~/.cache/darkroom.
std::vector<std::filesystem::path> shipped_model_folders(const std::filesystem::path& program, bool demonstrations);
std::vector<std::filesystem::path> shipped_model_folders(bool demonstrations = true);  ///< of the program that runs

/// Splits `pic.png [output]` into the name and "output"; the second is empty when there is no mark (§3.6).
std::pair<std::string, std::string> split_annotation(std::string_view name);

/// Content type by a file name's ending; `application/octet-stream` if unknown.
std::string content_type_of(std::string_view name);

}  // namespace darkroom
