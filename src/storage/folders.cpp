#include "storage/folders.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/project_folder.hpp"
#include "storage/user_room.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kModelFiles = {".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"};

// One key of /models: folders below `models/`, and the folder below `output/` where savers put such files.
struct Layout {
  const char* key;
  std::vector<const char*> below_models;
  const char* below_output = nullptr;
};

// Order and folders of protocol.md §3.10.
const Layout kLayout[] = {
    {"checkpoints", {"checkpoints"}, "checkpoints"},
    {"configs", {"configs"}},
    {"loras", {"loras"}, "loras"},
    {"vae", {"vae"}, "vae"},
    {"text_encoders", {"text_encoders", "clip"}, "clip"},
    {"diffusion_models", {"unet", "diffusion_models"}, "diffusion_models"},
    {"clip_vision", {"clip_vision"}},
    {"style_models", {"style_models"}},
    {"embeddings", {"embeddings"}},
    {"diffusers", {"diffusers"}},
    {"vae_approx", {"vae_approx"}},
    {"controlnet", {"controlnet", "t2i_adapter"}},
    {"gligen", {"gligen"}},
    {"upscale_models", {"upscale_models"}},
    {"latent_upscale_models", {"latent_upscale_models"}},
    {"custom_nodes", {}},
    {"hypernetworks", {"hypernetworks"}},
    {"photomaker", {"photomaker"}},
    {"classifiers", {"classifiers"}},
    {"model_patches", {"model_patches"}},
    {"audio_encoders", {"audio_encoders"}},
    // Darkroom's own.
    {"ddcolor", {"ddcolor"}},
    {"denoise", {"denoise"}},
};

std::vector<std::string> extensions_of(std::string_view key) {
  if (key == "configs") return {".yaml"};
  if (key == "classifiers") return {""};
  if (key == "custom_nodes" || key == "diffusers") return {};
  std::vector<std::string> extensions = kModelFiles;
  if (key == "upscale_models") extensions.push_back(".param");  // ncnn: the weights lie beside it in .bin
  return extensions;
}

json::array to_array(const std::vector<fs::path>& paths) {
  json::array array;
  for (const auto& path : paths) array.emplace_back(path.string());
  return array;
}

}  // namespace

Folders Folders::below(const fs::path& base, const std::vector<fs::path>& shipped) {
  Folders folders;
  folders.base = fs::absolute(base).lexically_normal();
  folders.input = folders.base / "input";
  folders.output = folders.base / "output";
  folders.temp = folders.base / "temp";
  folders.user = folders.base / "user";
  folders.custom_nodes = folders.base / "custom_nodes";
  for (const auto& layout : kLayout) {
    ModelFolder folder;
    folder.key = layout.key;
    folder.extensions = extensions_of(layout.key);
    folder.folders_only = folder.key == "diffusers";
    for (const char* name : layout.below_models) folder.paths.push_back(folders.base / "models" / name);
    if (folder.key == "custom_nodes") folder.paths.push_back(folders.custom_nodes);
    if (layout.below_output) folder.paths.push_back(folders.output / layout.below_output);
    for (const auto& root : shipped) {
      std::error_code ignored;
      if (fs::is_directory(root / layout.key, ignored)) folder.paths.push_back(root / layout.key);
    }
    folders.models.push_back(std::move(folder));
  }
  return folders;
}

void Folders::use_output(const fs::path& folder) {
  const fs::path moved = fs::absolute(folder).lexically_normal();
  for (auto& model : models)
    for (auto& path : model.paths)
      if (path.parent_path() == output) path = moved / path.filename();
  output = moved;
}

json::object Folders::to_json() const {
  json::array list;
  for (const auto& folder : models) {
    json::array extensions;
    for (const auto& extension : folder.extensions) extensions.emplace_back(extension);
    list.push_back(json::object{
        {"key", folder.key}, {"paths", to_array(folder.paths)}, {"extensions", std::move(extensions)}, {"folders_only", folder.folders_only}});
  }
  json::value allowed;
  if (allowed_packs) allowed = json::array(allowed_packs->begin(), allowed_packs->end());
  return {{"allowed_packs", std::move(allowed)},
          {"denied_packs", json::array(denied_packs.begin(), denied_packs.end())},
          {"base", base.string()},
          {"input", input.string()},
          {"output", output.string()},
          {"temp", temp.string()},
          {"user", user.string()},
          {"custom_nodes", custom_nodes.string()},
          {"models", std::move(list)}};
}

Folders Folders::from_json(const json::object& wire) {
  Folders folders;
  folders.base = string_or(wire, "base", "");
  folders.input = string_or(wire, "input", "");
  folders.output = string_or(wire, "output", "");
  folders.temp = string_or(wire, "temp", "");
  folders.user = string_or(wire, "user", "");
  folders.custom_nodes = string_or(wire, "custom_nodes", "");
  if (const auto* allowed = find_array(wire, "allowed_packs")) {
    auto& names = folders.allowed_packs.emplace();
    for (const auto& name : *allowed)
      if (name.is_string()) names.emplace_back(name.get_string());
  }
  if (const auto* denied = find_array(wire, "denied_packs"))
    for (const auto& name : *denied)
      if (name.is_string()) folders.denied_packs.emplace_back(name.get_string());
  const json::array* list = find_array(wire, "models");
  if (!list || folders.base.empty()) throw InvalidInput("folders: base or models are missing");
  for (const auto& value : *list) {
    const json::object* object = value.if_object();
    if (!object) throw InvalidInput("folders: a model folder is not an object");
    ModelFolder folder;
    folder.key = string_or(*object, "key", "");
    folder.folders_only = bool_or(*object, "folders_only", false);
    if (const auto* paths = find_array(*object, "paths"))
      for (const auto& path : *paths)
        if (path.is_string()) folder.paths.emplace_back(std::string(path.get_string()));
    if (const auto* extensions = find_array(*object, "extensions"))
      for (const auto& extension : *extensions)
        if (extension.is_string()) folder.extensions.emplace_back(extension.get_string());
    folders.models.push_back(std::move(folder));
  }
  return folders;
}

std::vector<fs::path> Folders::packs() const {
  std::map<std::string, fs::path> found;
  const ModelFolder* roots = model_folder("custom_nodes");
  if (!roots) return {};
  for (const auto& root : roots->paths) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(root, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with('.') || name == "__pycache__" || name.ends_with(".disabled")) continue;
      if (allowed_packs && std::ranges::find(*allowed_packs, name) == allowed_packs->end()) continue;
      if (std::ranges::find(denied_packs, name) != denied_packs.end()) continue;
      if (entry.is_directory(ignored) || (name.ends_with(".py") && entry.is_regular_file(ignored))) found.try_emplace(name, entry.path());
    }
  }
  std::vector<fs::path> list;
  for (auto& [name, path] : found) list.push_back(std::move(path));
  return list;
}

Folders Folders::of_user(std::string_view name) const {
  Folders own = *this;
  if (const std::string room = room_folder(name); !room.empty())
    for (fs::path* folder : {&own.input, &own.output, &own.temp}) *folder /= room;
  return own;
}

void Folders::create_missing() const {
  std::vector<fs::path> wanted = {input, output, temp, user, custom_nodes};
  for (const auto& folder : models)
    if (!folder.paths.empty() && folder.paths.front().parent_path() == base / "models") wanted.push_back(folder.paths.front());
  if (const auto* unet = model_folder("diffusion_models")) wanted.push_back(unet->paths.size() > 1 ? unet->paths[1] : unet->paths[0]);
  for (const auto& path : wanted) {
    std::error_code failure;
    fs::create_directories(path, failure);
    if (failure && !fs::is_directory(path)) throw InvalidInput("cannot make the folder " + path.string() + ": " + failure.message());
  }
}

std::optional<fs::path> Folders::by_type(std::string_view type) const {
  if (type == "input") return input;
  if (type == "output") return output;
  if (type == "temp") return temp;
  return std::nullopt;
}

fs::path Folders::annotated(std::string_view name, std::string_view default_type) const {
  const auto [plain, mark] = split_annotation(name);
  const auto folder = by_type(mark.empty() ? default_type : std::string_view(mark));
  if (!folder) throw InvalidInput("unknown folder: " + std::string(default_type));
  try {
    return resolve_inside(*folder, plain);
  } catch (const InvalidInput& refused) {
    throw Forbidden(refused.what());
  }
}

std::vector<fs::path> shipped_model_folders(bool demonstrations) {
  std::error_code ignored;
  return shipped_model_folders(fs::read_symlink("/proc/self/exe", ignored), demonstrations);
}

std::vector<fs::path> shipped_model_folders(const fs::path& program, bool demonstrations) {
  std::vector<fs::path> candidates;
  if (const fs::path models = project_folder(program, "models", "LICENSES.md"); !models.empty()) {
    candidates.push_back(models);
    if (demonstrations) candidates.push_back(models / "demonstration");
  }
  const char* cache = std::getenv("DARKROOM_CACHE");
  const char* home = std::getenv("HOME");
  if (cache && *cache) candidates.push_back(fs::path(cache) / "models");
  else if (home && *home) candidates.push_back(fs::path(home) / ".cache" / "darkroom" / "models");
  std::erase_if(candidates, [](const fs::path& path) {
    std::error_code ignored;
    return !fs::is_directory(path, ignored);
  });
  return candidates;
}

}  // namespace darkroom
