#include "cli/result_names.hpp"

#include "base/text.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = " restored";

}  // namespace

std::string result_format(std::string_view word) {
  std::string low = lower(word);
  if (low.starts_with('.')) low.erase(0, 1);
  if (low == "jpg") return "jpeg";
  return low == "png" || low == "jpeg" || low == "webp" ? low : "";
}

fs::path result_path(const Photo& photo, const ResultPlace& place, std::string_view format, bool shares_name) {
  if (!place.file.empty()) return place.file;
  const std::string ending = format == "jpeg" ? ".jpg" : "." + std::string(format);
  const std::string name = (shares_name ? photo.file.filename() : photo.file.stem()).string();
  if (!place.folder.empty()) return place.folder / photo.relative.parent_path() / (name + ending);
  return photo.file.parent_path() / (name + std::string(kMark) + ending);
}

bool is_result_of(const fs::path& file, const fs::path& original) {
  if (file == original || file.parent_path() != original.parent_path() || result_format(file.extension().string()).empty()) return false;
  const std::string stem = file.stem().string();
  return stem == original.stem().string() + std::string(kMark) || stem == original.filename().string() + std::string(kMark);
}

}  // namespace darkroom
