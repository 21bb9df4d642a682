#pragma once
// The files of restorations: where originals and results lie, and what is known of them without decoding. Everything here blocks.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "restoration/facts.hpp"
#include "storage/folders.hpp"

namespace darkroom {

/// Binary event of a node: a small PNG that shows where a colouriser looks.
constexpr std::uint32_t kAttentionPicture = 0x41545443;

/// Below the input and the output folder.
inline constexpr std::string_view kRestorationFolder = "restorations";

/// Where a picture lies. Throws Forbidden when its name leaves its folder.
std::filesystem::path path_of(const Folders& folders, const restoration::PictureFile& file);

/// The picture that a finished job saved at `node` ("": at any, a kept one before a preview), out of its history outputs (JSON). Nothing there when
/// it saved none.
restoration::PictureFile result_in(const Folders& folders, const std::string& outputs, const std::string& node);

/// Deletes original and result.
void remove_files(const Folders& folders, const restoration::Facts& facts);

/// The file's ending for what a picture's first bytes say it is: ".jpg", ".png", ".webp", ".tif", ".gif", ".bmp", ".avif"; "" for none of these.
std::string ending_of(std::string_view first_bytes);

}  // namespace darkroom
