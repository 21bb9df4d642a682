// extra_model_paths.yaml: ComfyUI's way of naming model folders elsewhere.
//
//   name:                      any word; sections are read one after the other
//     base_path: /data/models  optional; relative to this file; `~` and $NAME are replaced
//     is_default: true         optional: these folders come before the ones that are known already
//     checkpoints: sd/         one folder, or several, one a line after `|`
//     text_encoders: |
//       clip/
//       t5/

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/folders.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: an extra_model_paths.yaml, bytes. Beyond: the server does not start and says so. Fixed: people write some lines. Edge:
/// ExtraPaths.have_a_limit.
constexpr std::uintmax_t kMaxYaml = 1u << 20;

std::string expand(std::string_view text) {
  std::string out;
  if (text == "~" || text.substr(0, 2) == "~/") {
    const char* home = std::getenv("HOME");
    out = home ? home : "~";
    text.remove_prefix(1);
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      out += text[i];
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    const std::size_t start = i + (braces ? 2 : 1);
    std::size_t end = start;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    const std::string name(text.substr(start, end - start));
    const char* value = std::getenv(name.c_str());
    if (name.empty() || !value || (braces && (end >= text.size() || text[end] != '}'))) {
      out += text[i];  // not a variable that is set: it stays as written
      continue;
    }
    out += value;
    i = braces ? end : end - 1;
  }
  return out;
}

[[noreturn]] void fail(const fs::path& file, const YAML::Mark& mark, const std::string& text) {
  throw InvalidInput(file.string() + ", line " + std::to_string(mark.is_null() ? 1 : mark.line + 1) + ": " + text);
}

void add_folder(Folders& folders, const std::string& written_key, const fs::path& path, bool first, std::size_t& placed) {
  const ModelFolder* known = folders.model_folder(written_key);
  if (!known) {
    folders.models.push_back({written_key, {path}, {}, false});  // keys that nobody knows yet list any file
    return;
  }
  auto& paths = folders.models[static_cast<std::size_t>(known - folders.models.data())].paths;
  const auto old = std::find(paths.begin(), paths.end(), path);
  if (old != paths.end()) {
    if (!first) return;
    paths.erase(old);
  }
  if (first) paths.insert(paths.begin() + static_cast<std::ptrdiff_t>(std::min(placed++, paths.size())), path);
  else paths.push_back(path);
}

void add_section(Folders& folders, const fs::path& file, const YAML::Node& section) {
  const fs::path here = fs::absolute(file).parent_path();
  fs::path base = here;
  bool first = false;
  if (const auto node = section["base_path"]; node && !node.IsNull()) {
    if (!node.IsScalar()) fail(file, node.Mark(), "base_path must be a text");
    const fs::path given = expand(trim(node.Scalar()));
    base = given.is_absolute() ? given : here / given;
  }
  if (const auto node = section["is_default"]; node && !node.IsNull() && !YAML::convert<bool>::decode(node, first))
    fail(file, node.Mark(), "is_default must be true or false");
  for (const auto& entry : section) {
    const std::string key = entry.first.Scalar();
    if (key == "base_path" || key == "is_default" || entry.second.IsNull()) continue;
    if (!entry.second.IsScalar()) fail(file, entry.second.Mark(), key + " must be a text of folders, one a line");
    std::size_t placed = 0;
    for (const auto& line : split(entry.second.Scalar(), '\n')) {
      const std::string text = expand(trim(line));
      if (text.empty()) continue;
      const fs::path given(text);
      fs::path path = (given.is_absolute() ? given : base / given).lexically_normal();
      if (!path.has_filename()) path = path.parent_path();  // `models/` and `models` are one folder
      add_folder(folders, key, path, first, placed);
    }
  }
}

}  // namespace

void Folders::add_extra_paths(const fs::path& yaml_file) {
  std::error_code failure;
  const auto size = fs::file_size(yaml_file, failure);
  if (failure) throw InvalidInput("cannot read " + yaml_file.string() + ": " + failure.message());
  if (size > kMaxYaml) throw TooLarge(yaml_file.string() + " is over 1 MiB");
  try {
    std::ifstream stream(yaml_file);
    const YAML::Node document = YAML::Load(stream);
    if (document.IsNull()) return;
    if (!document.IsMap()) fail(yaml_file, document.Mark(), "expected sections, `name:` with keys below");
    for (const auto& section : document) {
      if (section.second.IsNull()) continue;
      if (!section.second.IsMap()) fail(yaml_file, section.second.Mark(), section.first.Scalar() + " must hold keys");
      add_section(*this, yaml_file, section.second);
    }
  } catch (const YAML::Exception& fault) {
    fail(yaml_file, fault.mark, fault.msg);
  }
}

}  // namespace darkroom
