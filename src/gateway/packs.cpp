#include "gateway/packs.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <system_error>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: a text file of a node pack that the editor gets joined with others, bytes. Beyond: the file counts as empty. Fixed: translations
/// are shorter. Edge: Editor.packs_have_limits.
constexpr std::uintmax_t kMaxText = 8u << 20;
constexpr const char* kExamples[] = {"example_workflows", "example", "examples", "workflow", "workflows"};

std::string read_text(const fs::path& file) {
  std::error_code failure;
  const auto size = fs::file_size(file, failure);
  if (failure || size > kMaxText) return {};
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

std::optional<json::value> read_json(const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return std::nullopt;
  try {
    return parse_json(read_text(file));
  } catch (const Error& fault) {
    log::debug("{} of {} is no JSON: {}", file.filename().string(), file.parent_path().string(), fault.what());
    return std::nullopt;
  }
}

/// Names of the entries of a folder, sorted.
std::vector<std::string> entries(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
    std::string name = entry->path().filename().string();
    if (is_valid_utf8(name)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// `NAME = "text"` at the start of a line; nothing when the value is anything but a plain text.
std::optional<std::string> assigned_text(std::string_view source, std::string_view name) {
  std::optional<std::string> found;
  for (const auto& line : split(source, '\n')) {
    std::string_view rest = line;
    if (rest.substr(0, name.size()) != name) continue;
    rest = trim(rest.substr(name.size()));
    if (rest.empty() || rest.front() != '=') continue;
    rest = trim(rest.substr(1));
    if (rest.size() < 2 || (rest.front() != '"' && rest.front() != '\'')) continue;
    const auto end = rest.find(rest.front(), 1);
    if (end != std::string_view::npos) found = std::string(rest.substr(1, end - 1));  // the last assignment counts
  }
  return found;
}

/// The text of `key` in a section of a TOML file.
std::optional<std::string> toml_text(std::string_view source, std::string_view section, std::string_view key) {
  bool inside = false;
  for (const auto& line : split(source, '\n')) {
    const std::string_view text = trim(line);
    if (!text.empty() && text.front() == '[') inside = text.substr(0, text.find(']') + 1) == section;
    if (!inside) continue;
    if (auto value = assigned_text(text, key)) return value;
  }
  return std::nullopt;
}

void add_web_folder(std::vector<WebFolder>& list, const std::string& name, const fs::path& pack, const std::string& written) {
  try {
    const fs::path folder = resolve_inside(pack, written);
    std::error_code ignored;
    if (fs::is_directory(folder, ignored)) list.push_back({name, folder});
  } catch (const Error&) {
    log::debug("the web folder of {} lies outside of the pack and is not served", pack.filename().string());
  }
}

/// Members of `from` go into `to`; where both have an object, its members in turn.
void merge(json::object& to, const json::object& from) {
  for (const auto& [key, value] : from) {
    json::value* old = to.if_contains(key);
    if (old && old->is_object() && value.is_object()) merge(old->get_object(), value.get_object());
    else to[key] = value;
  }
}

}  // namespace

std::vector<fs::path> pack_folders(const Folders& folders) {
  auto packs = folders.packs();
  std::erase_if(packs, [](const fs::path& pack) { std::error_code ignored; return !fs::is_directory(pack, ignored); });
  return packs;
}

std::vector<fs::path> pack_code(const Folders& folders) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& pack : folders.packs()) {
    if (!fs::is_directory(pack, ignored)) files.push_back(pack);
    else
      for (auto at = fs::recursive_directory_iterator(pack, fs::directory_options::skip_permission_denied, ignored); at != fs::recursive_directory_iterator(); at.increment(ignored))
        if (at->path().extension() == ".py") files.push_back(at->path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<WebFolder> web_folders(const Folders& folders) {
  std::vector<WebFolder> list;
  for (const auto& pack : pack_folders(folders)) {
    const std::string project = read_text(pack / "pyproject.toml");
    const auto name = toml_text(project, "[project]", "name");
    const auto web = toml_text(project, "[tool.comfy]", "web");
    if (name && web && !name->empty() && name->find('/') == std::string::npos) add_web_folder(list, *name, pack, *web);
    if (const auto directory = assigned_text(read_text(pack / "__init__.py"), "WEB_DIRECTORY"))
      add_web_folder(list, pack.filename().string(), pack, *directory);
  }
  return list;
}

std::vector<std::string> scripts_below(const fs::path& folder) {
  std::vector<std::string> scripts;
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    std::error_code ignored;
    const std::string path = entry->path().lexically_relative(folder).generic_string();
    if (path.ends_with(".js") && is_valid_utf8(path) && entry->is_regular_file(ignored)) scripts.push_back(path);
  }
  std::sort(scripts.begin(), scripts.end());
  return scripts;
}

json::object translations(const Folders& folders) {
  json::object all;
  for (const auto& pack : pack_folders(folders))
    for (const auto& language : entries(pack / "locales")) {
      const fs::path folder = pack / "locales" / language;
      json::object texts;
      if (const auto main = read_json(folder / "main.json"); main && main->is_object()) texts = main->get_object();
      for (const char* key : {"nodeDefs", "commands", "settings"})
        if (const auto part = read_json(folder / (std::string(key) + ".json"))) texts[key] = *part;
      if (!texts.empty()) merge(all, json::object{{language, std::move(texts)}});
    }
  return all;
}

json::object workflow_templates(const Folders& folders) {
  json::object all;
  for (const auto& pack : pack_folders(folders)) {
    json::array names;
    for (const char* folder : kExamples)
      for (const auto& name : entries(pack / folder))
        if (name.ends_with(".json")) names.emplace_back(name.substr(0, name.size() - 5));
    if (!names.empty()) all[pack.filename().string()] = std::move(names);
  }
  return all;
}

std::optional<fs::path> workflow_template(const Folders& folders, const std::string& pack, const std::string& name) {
  if (!name.ends_with(".json") && !name.ends_with(".jpg")) return std::nullopt;
  for (const auto& root : pack_folders(folders)) {
    if (root.filename() != pack) continue;
    for (const char* folder : kExamples) {
      try {
        const fs::path file = resolve_inside(root / folder, name);
        std::error_code ignored;
        if (fs::is_regular_file(file, ignored)) return file;
      } catch (const Error&) {
        return std::nullopt;
      }
    }
  }
  return std::nullopt;
}

json::object Subgraph::info() const {
  return {{"source", "custom_node"}, {"name", name}, {"info", json::object{{"node_pack", "custom_nodes." + pack}}}};
}

std::string Subgraph::text() const { return read_text(file); }

std::vector<Subgraph> subgraphs(const Folders& folders) {
  std::vector<Subgraph> list;
  for (const auto& pack : pack_folders(folders))
    for (const auto& name : entries(pack / "subgraphs")) {
      if (!name.ends_with(".json")) continue;
      const fs::path file = pack / "subgraphs" / name;
      list.push_back({sha256_hex("custom_node" + file.string()), name.substr(0, name.size() - 5), pack.filename().string(), file});
    }
  return list;
}

}  // namespace darkroom
