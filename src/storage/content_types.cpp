// The content type of a file by its ending.

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "storage/folders.hpp"

namespace darkroom {

namespace {

constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
    // pictures
    {"png", "image/png"}, {"jpg", "image/jpeg"}, {"jpeg", "image/jpeg"}, {"jpe", "image/jpeg"}, {"jfif", "image/jpeg"}, {"gif", "image/gif"},
    {"webp", "image/webp"}, {"bmp", "image/bmp"}, {"tif", "image/tiff"}, {"tiff", "image/tiff"}, {"avif", "image/avif"}, {"heic", "image/heic"},
    {"heif", "image/heif"}, {"ico", "image/vnd.microsoft.icon"}, {"svg", "image/svg+xml"}, {"svgz", "image/svg+xml"}, {"pnm", "image/x-portable-anymap"},
    {"pbm", "image/x-portable-bitmap"}, {"pgm", "image/x-portable-graymap"}, {"ppm", "image/x-portable-pixmap"}, {"apng", "image/apng"},
    {"jxl", "image/jxl"}, {"exr", "image/x-exr"}, {"hdr", "image/vnd.radiance"}, {"psd", "image/vnd.adobe.photoshop"}, {"ktx", "image/ktx"},
    // sound and film
    {"wav", "audio/x-wav"}, {"mp3", "audio/mpeg"}, {"flac", "audio/flac"}, {"ogg", "audio/ogg"}, {"oga", "audio/ogg"}, {"opus", "audio/ogg"},
    {"m4a", "audio/mp4"}, {"aac", "audio/aac"}, {"aif", "audio/x-aiff"}, {"aiff", "audio/x-aiff"}, {"mid", "audio/midi"}, {"weba", "audio/webm"},
    {"mp4", "video/mp4"}, {"m4v", "video/mp4"}, {"webm", "video/webm"}, {"mkv", "video/x-matroska"}, {"mov", "video/quicktime"},
    {"qt", "video/quicktime"}, {"avi", "video/x-msvideo"}, {"mpg", "video/mpeg"}, {"mpeg", "video/mpeg"}, {"ogv", "video/ogg"},
    {"3gp", "video/3gpp"}, {"flv", "video/x-flv"}, {"wmv", "video/x-ms-wmv"},
    // models of three dimensions
    {"glb", "model/gltf-binary"}, {"gltf", "model/gltf+json"}, {"obj", "model/obj"}, {"stl", "model/stl"}, {"fbx", "model/fbx"}, {"mtl", "model/mtl"},
    {"ply", "model/ply"}, {"usdz", "model/vnd.usdz+zip"},
    // texts and pages
    {"txt", "text/plain"}, {"log", "text/plain"}, {"md", "text/markdown"}, {"csv", "text/csv"}, {"tsv", "text/tab-separated-values"},
    {"html", "text/html"}, {"htm", "text/html"}, {"xhtml", "application/xhtml+xml"}, {"xht", "application/xhtml+xml"}, {"xml", "text/xml"},
    {"xsl", "application/xml"}, {"css", "text/css"}, {"js", "application/javascript"}, {"mjs", "application/javascript"},
    {"map", "application/json"}, {"json", "application/json"}, {"yaml", "application/yaml"}, {"yml", "application/yaml"},
    {"webmanifest", "application/manifest+json"}, {"wasm", "application/wasm"}, {"srt", "application/x-subrip"}, {"vtt", "text/vtt"}, {"py", "text/x-python"},
    {"toml", "application/toml"}, {"sh", "application/x-sh"},
    // fonts
    {"woff", "font/woff"}, {"woff2", "font/woff2"}, {"ttf", "font/ttf"}, {"otf", "font/otf"},
    // archives and documents
    {"zip", "application/zip"}, {"gz", "application/gzip"}, {"tar", "application/x-tar"}, {"7z", "application/x-7z-compressed"}, {"pdf", "application/pdf"}, {"xyz", "chemical/x-xyz"},
};

}  // namespace

std::string content_type_of(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot != std::string_view::npos && dot != 0 && name.find('/', dot) == std::string_view::npos) {
    const std::string ending = lower(name.substr(dot + 1));
    const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& row) { return row.first == ending; });
    if (found != std::end(kTypes)) return std::string(found->second);
  }
  return "application/octet-stream";
}

}  // namespace darkroom
