#include "cli/model_target.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/part_file.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: name of a model to download, bytes. Beyond: exit status 2. Fixed: file systems take 255, and the part file's name is longer.
/// Edge: ModelTarget.NamesHaveALimit.
constexpr std::size_t kMaxNameBytes = 200;

/// Endings of files that are weights, for keys that list any file.
constexpr const char* kWeights[] = {".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin"};

void check_name(const ModelFolder& folder, const std::string& file) {
  const auto refuse = [&](const std::string& why) { return InvalidInput(fmt::format("the file name \"{}\" {}; --name gives another", file, why)); };
  if (file.empty()) throw InvalidInput("the address ends with no file name; --name gives one");
  if (file.size() > kMaxNameBytes) throw refuse(fmt::format("is over {} bytes", kMaxNameBytes));
  if (!is_valid_utf8(file)) throw InvalidInput("the file name is no UTF-8; --name gives another");
  for (const unsigned char c : file)
    if (c < 0x20 || c == 0x7f || c == '/' || c == '\\' || c == ':') throw InvalidInput("the file name has a character that names of models don't have; --name gives another");
  if (file.front() == '.') throw refuse("is hidden");
  const std::string ending = lower(fs::path(file).extension().string());
  const auto& listed = folder.extensions;
  const bool fits = listed.empty() ? std::find(std::begin(kWeights), std::end(kWeights), ending) != std::end(kWeights)
                                   : std::find(listed.begin(), listed.end(), ending) != listed.end();
  if (!fits) throw refuse(fmt::format("has not the ending of a model in {}", folder.key));
}

}  // namespace

fs::path model_target(const Folders& folders, const std::string& key, const std::string& file) {
  const ModelFolder* folder = folders.model_folder(key);
  if (!folder || folder->paths.empty()) throw InvalidInput(fmt::format("there is no models folder \"{}\"", key));
  if (folder->key == "custom_nodes" || folder->key == "configs" || folder->folders_only) throw InvalidInput(fmt::format("{} holds no model files", key));
  check_name(*folder, file);
  const auto& paths = folder->paths;
  fs::path home = paths.front();
  const fs::path own = folders.base / "models" / folder->key;  // `diffusion_models` is searched behind its older name `unet`
  if (home.parent_path() == own.parent_path() && std::find(paths.begin(), paths.end(), own) != paths.end()) home = own;
  std::error_code failure;
  fs::create_directories(home, failure);
  if (failure && !fs::is_directory(home)) throw InvalidInput(fmt::format("the folder {} can't be made: {}", home.string(), failure.message()));
  return home / file;
}

}  // namespace darkroom
