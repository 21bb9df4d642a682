#include "storage/unlisted_models.hpp"

#include <algorithm>
#include <array>

namespace darkroom {
namespace {

// Small autoencoders for the latents that there are models for.
constexpr std::array<std::string_view, 2> kTaesd{"taesd", "taesdxl"};

/// The first file whose name begins so, as ComfyUI looks for them: whatever its ending.
std::string first_of(const std::vector<std::string>& files, std::string_view begin) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const std::string& file) { return file.starts_with(begin); });
  return found == files.end() ? std::string() : *found;
}

std::optional<TaesdFiles> pair_in(const std::vector<std::string>& files, std::string_view name) {
  TaesdFiles pair{std::string(name), first_of(files, std::string(name) + "_encoder."), first_of(files, std::string(name) + "_decoder.")};
  if (pair.encoder.empty() || pair.decoder.empty()) return std::nullopt;
  return pair;
}

}  // namespace

std::optional<TaesdFiles> find_taesd(std::string_view name, const Folders& folders) {
  if (std::find(kTaesd.begin(), kTaesd.end(), name) == kTaesd.end()) return std::nullopt;
  return pair_in(folders.list_models("vae_approx"), name);
}

std::optional<std::filesystem::path> find_taesd_decoder(std::string_view name, const Folders& folders) {
  const auto file = first_of(folders.list_models("vae_approx"), std::string(name) + "_decoder.");
  return file.empty() ? std::nullopt : folders.find_model("vae_approx", file);
}

std::vector<std::string> names_beside_files(std::string_view folder, const Folders& folders, std::vector<std::filesystem::path>* read) {
  if (folder != "vae") return {};
  std::vector<std::string> names;
  const auto files = folders.list_models("vae_approx", read);
  for (const auto name : kTaesd)
    if (pair_in(files, name)) names.emplace_back(name);
  names.emplace_back(kPixelSpace);
  return names;
}

}  // namespace darkroom
