#include "gateway/medium.hpp"

#include <algorithm>

#include "gateway/restoration_files.hpp"

namespace darkroom {
namespace {

struct Mark {
  std::size_t offset;
  std::string_view bytes;
  std::string_view kind, ending;
};

constexpr Mark kMarks[] = {
    {0, "\x1a\x45\xdf\xa3", "video", ".webm"},  // Matroska and its part WebM: told apart below
    {4, "ftypM4A", "audio", ".m4a"},
    {4, "ftypqt  ", "video", ".mov"},
    {4, "ftyp", "video", ".mp4"},
    {8, "AVI ", "video", ".avi"},
    {8, "WAVE", "audio", ".wav"},
    {0, "fLaC", "audio", ".flac"},
    {0, "OggS", "audio", ".ogg"},
    {0, "ID3", "audio", ".mp3"},
    {0, "\xff\xfb", "audio", ".mp3"},
    {0, "\xff\xf3", "audio", ".mp3"},
    {0, "\xff\xf2", "audio", ".mp3"},
};

}  // namespace

std::optional<Medium> medium_of(std::string_view head) {
  if (std::string ending = ending_of(head); !ending.empty()) return Medium{"image", std::move(ending)};
  const auto found = std::ranges::find_if(
      kMarks, [&](const Mark& mark) { return head.substr(std::min(mark.offset, head.size())).starts_with(mark.bytes); });
  if (found == std::end(kMarks)) return std::nullopt;
  if (found->ending == ".webm" && head.find("matroska") != head.npos) return Medium{"video", ".mkv"};
  return Medium{found->kind, std::string(found->ending)};
}

}  // namespace darkroom
