#include "gateway/restoration_files.hpp"

#include <array>
#include <fstream>
#include <system_error>

#include "base/error.hpp"
#include "base/log.hpp"

namespace darkroom {

namespace fs = std::filesystem;
using restoration::PictureFile;

namespace {

constexpr const char* kEndings[] = {".jpg", ".png", ".webp", ".tif", ".gif", ".bmp", ".avif"};

/// Width and height in the head of a PNG.
void read_png_size(const fs::path& file, PictureFile& picture) {
  std::ifstream stream(file, std::ios::binary);
  std::array<unsigned char, 24> head{};
  if (!stream.read(reinterpret_cast<char*>(head.data()), head.size()) || head[0] != 0x89 || head[1] != 'P') return;
  const auto number = [&](std::size_t at) { return (std::int64_t{head[at]} << 24) | (head[at + 1] << 16) | (head[at + 2] << 8) | head[at + 3]; };
  picture.width = number(16);
  picture.height = number(20);
}

/// The pictures of one node's output.
void add_pictures(std::vector<PictureFile>& list, const json::value& output) {
  const auto* images = output.is_object() ? find_array(output.get_object(), "images") : nullptr;
  if (!images) return;
  for (const auto& image : *images) {
    if (!image.is_object()) continue;
    const json::object& entry = image.get_object();
    const std::string subfolder = string_or(entry, "subfolder", ""), name = string_or(entry, "filename", "");
    if (!name.empty()) list.push_back({.name = subfolder.empty() ? name : subfolder + "/" + name, .folder = string_or(entry, "type", "output")});
  }
}

}  // namespace

fs::path path_of(const Folders& folders, const PictureFile& file) {
  const auto root = folders.by_type(file.folder);
  if (!root || !file.there()) throw NotFound("there is no such picture");
  return resolve_inside(*root, file.name);
}

PictureFile result_in(const Folders& folders, const std::string& outputs, const std::string& node) {
  std::vector<PictureFile> found;
  const json::value all = parse_json(outputs);
  if (!all.is_object()) return {};
  for (const auto& [id, output] : all.get_object())
    if (node.empty() || id == node) add_pictures(found, output);
  PictureFile chosen;
  for (const PictureFile& picture : found)
    if (!chosen.there() || picture.folder == "output") chosen = picture;
  if (!chosen.there()) return {};
  try {
    const fs::path file = path_of(folders, chosen);
    chosen.bytes = static_cast<std::int64_t>(fs::file_size(file));
    read_png_size(file, chosen);
  } catch (const std::exception& error) {
    log::warn("the result {} can't be looked at: {}", chosen.name, error.what());
    return {};
  }
  return chosen;
}

void remove_files(const Folders& folders, const restoration::Facts& facts) {
  if (!facts.original.there() && !facts.id.empty() && facts.id.find('/') == std::string::npos) {
    // Its server may have died between the file and its record.
    std::error_code ignored;
    for (const char* ending : kEndings) fs::remove(folders.input / kRestorationFolder / (facts.id + ending), ignored);
  }
  for (const PictureFile* file : {&facts.original, &facts.result}) {
    if (!file->there()) continue;
    try {
      fs::remove(path_of(folders, *file));
    } catch (const std::exception& error) {
      log::warn("{} can't be deleted: {}", file->name, error.what());
    }
  }
}

std::string ending_of(std::string_view first_bytes) {
  const auto at = [&](std::size_t offset, std::string_view mark) { return first_bytes.substr(std::min(offset, first_bytes.size())).starts_with(mark); };
  if (at(0, "\xff\xd8\xff")) return ".jpg";
  if (at(0, "\x89PNG\r\n")) return ".png";
  if (at(0, "RIFF") && at(8, "WEBP")) return ".webp";
  if (at(0, std::string_view("II*\0", 4)) || at(0, std::string_view("MM\0*", 4))) return ".tif";
  if (at(0, "GIF8")) return ".gif";
  if (at(0, "BM")) return ".bmp";
  if (at(4, "ftypavif") || at(4, "ftypheic") || at(4, "ftypmif1")) return ".avif";
  return "";
}

}  // namespace darkroom
