#include "storage/model_names.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

// DDColor's checkpoints by their publisher's names: https://huggingface.co/piddnad/DDColor-models.
constexpr std::array<std::string_view, 4> kColorizers = {"ddcolor_modelscope.pth", "ddcolor_paper.pth", "ddcolor_artistic.pth", "ddcolor_paper_tiny.pth"};

/// A name to compare with: without folders and a model's ending, lower case, `-` for `_`.
std::string plain(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kEndings = {".safetensors", ".sft", ".pth", ".pt", ".pt2", ".bin", ".ckpt", ".pkl", ".param"};
  std::string text = lower(name.substr(name.find_last_of("/\\") + 1));
  for (const auto ending : kEndings)
    if (text.size() > ending.size() && text.ends_with(ending)) {
      text.resize(text.size() - ending.size());
      break;
    }
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

/// A plain name without "-x4" or "-4x" at its end, and that scale; 0 if it has none.
struct Scaled {
  std::string base;
  int scale = 0;
};

Scaled without_scale(const std::string& name) {
  const auto size = name.size();
  if (size < 4 || name[size - 3] != '-') return {name, 0};
  const char a = name[size - 2], b = name[size - 1];
  const auto is_digit = [](char c) { return c >= '1' && c <= '9'; };
  if (a == 'x' && is_digit(b)) return {name.substr(0, size - 3), b - '0'};
  if (b == 'x' && is_digit(a)) return {name.substr(0, size - 3), a - '0'};
  return {name, 0};
}

/// What a file may be called: its own name, and its folder's where the file's says nothing.
std::vector<std::string> names_of(const std::string& listed) {
  std::vector<std::string> names{plain(listed)};
  const auto slash = listed.rfind('/');
  if (slash != std::string::npos && (names[0] == "pytorch-model" || names[0] == "model")) names.push_back(plain(listed.substr(0, slash)));
  return names;
}

std::optional<NamedModel> entry(const Folders& folders, const std::string& key, const std::string& name) {
  auto file = folders.find_model(key, name);
  return file ? std::optional(NamedModel{key, name, std::move(*file)}) : std::nullopt;
}

std::optional<NamedModel> by_listed_name(const Folders& folders, const std::string& key, const std::vector<std::string>& listed, std::string_view name) {
  if (std::find(listed.begin(), listed.end(), name) != listed.end()) return entry(folders, key, std::string(name));
  const auto other = folders.find_model(key, name);
  // What lies there under its own name and isn't listed is not meant to be chosen.
  if (!other || other->filename() == fs::path(name).filename()) return std::nullopt;
  for (const auto& candidate : listed)
    if (fs::path(candidate).filename() == other->filename()) return entry(folders, key, candidate);
  return std::nullopt;
}

std::optional<NamedModel> by_plain_name(const Folders& folders, const std::string& key, const std::vector<std::string>& listed, const std::string& wanted) {
  for (const auto& candidate : listed)
    for (const auto& name : names_of(candidate))
      if (name == wanted) return entry(folders, key, candidate);
  return std::nullopt;
}

std::optional<NamedModel> by_scaled_name(const Folders& folders, const std::string& key, const std::vector<std::string>& listed, const std::string& wanted) {
  const auto base = without_scale(wanted).base;
  const std::string* best = nullptr;
  int scale = -1;
  for (const auto& candidate : listed)
    for (const auto& name : names_of(candidate))
      if (const auto scaled = without_scale(name); scaled.base == base && scaled.scale > scale) best = &candidate, scale = scaled.scale;
  return best ? entry(folders, key, *best) : std::nullopt;
}

}  // namespace

std::optional<NamedModel> find_model_by_name(const Folders& folders, const std::vector<std::string>& keys, std::string_view name) {
  std::vector<std::vector<std::string>> lists;
  for (const auto& key : keys) lists.push_back(folders.list_models(key));
  const auto first = [&](const auto& find) -> std::optional<NamedModel> {
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (auto found = find(keys[i], lists[i])) return found;
    return std::nullopt;
  };
  const std::string wanted = plain(name);
  if (auto found = first([&](const auto& key, const auto& list) { return by_listed_name(folders, key, list, name); })) return found;
  if (wanted.empty()) return std::nullopt;
  if (auto found = first([&](const auto& key, const auto& list) { return by_plain_name(folders, key, list, wanted); })) return found;
  return first([&](const auto& key, const auto& list) { return by_scaled_name(folders, key, list, wanted); });
}

std::vector<std::string> published_names(std::string_view key) {
  if (key == "ddcolor") return {kColorizers.begin(), kColorizers.end()};
  return {};
}

bool is_published_name(std::string_view key, std::string_view name) {
  const auto known = published_names(key);
  return std::any_of(known.begin(), known.end(), [&](const std::string& one) { return plain(one) == plain(name); });
}

std::vector<NamedModel> colorizers(const Folders& folders) {
  struct Ranked {
    NamedModel model;
    bool demonstration;
    std::uintmax_t size;
    std::size_t order;
  };
  const auto known = published_names("ddcolor");
  std::vector<Ranked> ranked;
  for (const auto& name : folders.list_models("ddcolor")) {
    auto model = entry(folders, "ddcolor", name);
    if (!model) continue;
    std::error_code failure;
    const auto size = fs::file_size(model->file, failure);
    const auto at = std::find_if(known.begin(), known.end(), [&](const std::string& one) {
      const auto names = names_of(name);
      return std::find(names.begin(), names.end(), plain(one)) != names.end();
    });
    // Containers differ by some kilobytes; networks by hundreds of megabytes.
    ranked.push_back({std::move(*model), is_demonstration(name), failure ? 0 : size >> 20, static_cast<std::size_t>(at - known.begin())});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return a.demonstration != b.demonstration ? b.demonstration : a.size != b.size ? a.size > b.size : a.order < b.order;
  });
  std::vector<NamedModel> models;
  for (auto& one : ranked) models.push_back(std::move(one.model));
  return models;
}

}  // namespace darkroom
