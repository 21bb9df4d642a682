#pragma once
// What the result of a photograph is called, and where it goes. Nothing here looks at the disk.

#include <filesystem>
#include <string>
#include <string_view>

#include "cli/photo_selection.hpp"

namespace darkroom {

/// Where the results of a run go: into one file, below a folder, or (neither) beside their originals.
struct ResultPlace {
  std::filesystem::path file, folder;
};

/// "png", "jpeg" or "webp" for such a word or an ending (".jpg"); "" for any other.
std::string result_format(std::string_view word);

/// Where the result of `photo` goes: beside it "NAME restored.png"; below the place's folder "NAME.png", with the sub-folders of the
/// original. `shares_name`: another picture beside the original differs from it in its ending alone: then the result keeps that ending,
/// too, "NAME.tif.png", so that its name depends on no order and on no selection.
std::filesystem::path result_path(const Photo& photo, const ResultPlace& place, std::string_view format, bool shares_name);

/// Whether `file` is called what the result beside `original` is called, in any format.
bool is_result_of(const std::filesystem::path& file, const std::filesystem::path& original);

}  // namespace darkroom
