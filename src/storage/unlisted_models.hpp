#pragma once
// Names that a loader offers beside the files of its folder.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/folders.hpp"

namespace darkroom {

/// VAELoader's "VAE" that leaves a picture as it is.
inline constexpr std::string_view kPixelSpace = "pixel_space";

/// A small autoencoder: a pair of files of the folder vae_approx that go by one name.
struct TaesdFiles {
  std::string name, encoder, decoder;  ///< "taesd", "taesd_encoder.safetensors", "taesd_decoder.pth"
};

/// The pair of that name, when both files are there.
std::optional<TaesdFiles> find_taesd(std::string_view name, const Folders& folders);

/// The decoder of that name alone: enough for previews.
std::optional<std::filesystem::path> find_taesd_decoder(std::string_view name, const Folders& folders);

/// What is listed for a folder besides its files, in order. `read` gets the folders that were looked into.
std::vector<std::string> names_beside_files(std::string_view folder, const Folders& folders, std::vector<std::filesystem::path>* read = nullptr);

}  // namespace darkroom
