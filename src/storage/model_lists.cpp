// What /models shows: files of a key, over all its folders, and the file that a listed name stands for.

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/folders.hpp"
#include "storage/part_file.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: folders below a model folder. Beyond: deeper ones are not listed. Fixed: links can form endless trees. Edge:
/// ModelLists.end_at_a_depth.
constexpr std::size_t kMaxDepth = 32;

bool has_extension(const ModelFolder& folder, const fs::path& name) {
  if (folder.extensions.empty()) return true;
  return std::find(folder.extensions.begin(), folder.extensions.end(), lower(name.extension().string())) != folder.extensions.end();
}

// The weights of an ncnn network; the pair is listed once, by its .param.
bool is_second_of_pair(const ModelFolder& folder, const fs::path& file) {
  if (lower(file.extension().string()) != ".bin") return false;
  if (std::find(folder.extensions.begin(), folder.extensions.end(), ".param") == folder.extensions.end()) return false;
  std::error_code ignored;
  return fs::exists(fs::path(file).replace_extension(".param"), ignored);
}

// Follows links; `above` holds the real folders on the way, so that a link to one of them ends the descent.
void collect(const ModelFolder& folder, const fs::path& here, const std::string& prefix, std::set<fs::path>& above, std::set<std::string>& names,
             std::vector<fs::path>* read) {
  if (read) read->push_back(here);
  std::error_code failure;
  const fs::path real = fs::canonical(here, failure);
  if (failure || above.size() >= kMaxDepth || !above.insert(real).second) return;
  for (fs::directory_iterator entry(here, fs::directory_options::skip_permission_denied, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (name == ".git" || !is_valid_utf8(name) || name.compare(0, kPartPrefix.size(), kPartPrefix) == 0) continue;
    std::error_code ignored;
    if (entry->is_directory(ignored)) {
      if (folder.folders_only && fs::exists(entry->path() / "model_index.json", ignored)) names.insert(prefix + name);
      else collect(folder, entry->path(), prefix + name + "/", above, names, read);
    } else if (!folder.folders_only && entry->is_regular_file(ignored) && has_extension(folder, entry->path()) &&
               !is_second_of_pair(folder, entry->path())) {
      names.insert(prefix + name);
    }
  }
  above.erase(real);
}

// Workflows ask for these files by their first publisher's names; the shipped copies are the same networks in ncnn's form.
struct Alias {
  std::string_view key, asked, shipped;
};
constexpr Alias kAliases[] = {
    {"upscale_models", "RealESRGAN_x4plus.pth", "realesrgan-x4plus.param"},
    {"upscale_models", "RealESRGAN_x4plus_anime_6B.pth", "realesrgan-x4plus-anime.param"},
    {"upscale_models", "realesr-animevideov3.pth", "realesr-animevideov3-x4.param"},
};

void refuse_ways_out(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos || name[0] == '/') throw Forbidden("not a name of a model");
  std::string slashes(name);
  std::replace(slashes.begin(), slashes.end(), '\\', '/');
  for (const auto& part : split(slashes, '/'))
    if (part == "..") throw Forbidden("the name leaves the model folders");
}

std::optional<fs::path> find_in(const ModelFolder& folder, std::string_view name) {
  for (const auto& root : folder.paths) {
    std::error_code ignored;
    fs::path file = root / name;
    if (folder.folders_only ? fs::is_directory(file, ignored) : fs::is_regular_file(file, ignored)) return file;
  }
  return std::nullopt;
}

/// `wanted`: beginnings of content types, or endings of names (".latent").
bool is_wanted(const std::string& name, const std::vector<std::string>& wanted) {
  const std::string content_type = content_type_of(name);
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& mark) {
    return mark.starts_with('.') ? name.ends_with(mark) : content_type.starts_with(mark);
  });
}

}  // namespace

bool is_demonstration(std::string_view name) { return name.starts_with("darkroom-demo"); }

const ModelFolder* Folders::model_folder(std::string_view key) const {
  if (key == "unet") key = "diffusion_models";
  if (key == "clip") key = "text_encoders";
  for (const auto& folder : models)
    if (folder.key == key) return &folder;
  return nullptr;
}

std::vector<std::string> Folders::list_models(std::string_view key, std::vector<fs::path>* read) const {
  const ModelFolder* folder = model_folder(key);
  if (!folder) return {};
  std::set<std::string> names;
  std::set<fs::path> above;
  for (const auto& root : folder->paths) collect(*folder, root, "", above, names, read);
  std::vector<std::string> listed(names.begin(), names.end());
  std::ranges::stable_partition(listed, std::not_fn(is_demonstration));
  return listed;
}

std::vector<ModelFile> Folders::model_files(std::string_view key) const {
  std::vector<ModelFile> files;
  const ModelFolder* folder = model_folder(key);
  if (!folder) return files;
  std::set<fs::path> above;
  for (std::size_t i = 0; i < folder->paths.size(); ++i) {
    std::set<std::string> names;
    collect(*folder, folder->paths[i], "", above, names, nullptr);
    for (const auto& name : names) {
      const auto slash = name.rfind('/');
      if (name[slash == std::string::npos ? 0 : slash + 1] != '.') files.push_back({name, i, folder->paths[i] / name});
    }
  }
  return files;
}

std::optional<fs::path> Folders::find_model(std::string_view key, std::string_view name) const {
  const ModelFolder* folder = model_folder(key);
  if (!folder) return std::nullopt;
  refuse_ways_out(name);
  if (auto file = find_in(*folder, name)) return file;
  for (const auto& alias : kAliases)
    if (alias.key == folder->key && alias.asked == name) return find_in(*folder, alias.shipped);
  return std::nullopt;
}

std::vector<std::string> Folders::list_input_files(std::string_view content_types) const {
  std::vector<std::string> wanted, names;
  for (const auto& type : split(content_types, ','))
    if (!trim(type).empty()) wanted.emplace_back(trim(type));
  std::error_code failure;
  for (fs::directory_iterator entry(input, failure), end; !failure && entry != end; entry.increment(failure)) {
    std::error_code ignored;
    std::string name = entry->path().filename().string();
    if (!is_valid_utf8(name) || name.compare(0, kPartPrefix.size(), kPartPrefix) == 0 || !entry->is_regular_file(ignored)) continue;
    if (!wanted.empty() && !is_wanted(name, wanted)) continue;
    if (entry->is_symlink(ignored)) {
      try {
        resolve_inside(input, name);
      } catch (const Error&) {
        continue;  // leads out of the folder: it could not be loaded either
      }
    }
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace darkroom
