#include <algorithm>

#include "imaging/animation.hpp"
#include "imaging/png.hpp"

namespace darkroom::imaging {

std::string exif_block(const Texts& texts) {
  constexpr int kModel = 0x0110;
  /// Limit: texts in the EXIF of a WebP. Beyond: the others are left out. Fixed: their tags count down from Model to the first. Edge:
  /// Animation.ExifHasALimit.
  constexpr std::size_t kMaxTexts = 0x0110 - 0x0001;
  if (texts.empty()) return {};
  const std::size_t count = std::min(texts.size(), kMaxTexts);
  const auto be16 = [](std::string& out, std::size_t value) {
    out.push_back(static_cast<char>(value >> 8));
    out.push_back(static_cast<char>(value));
  };
  std::string out("MM\0*\0\0\0\x08", 8), values;
  be16(out, count);
  // Entries are sorted by tag, so the last text comes first. Values follow the directory, each at an even place.
  const std::size_t values_at = 8 + 2 + 12 * count + 4;
  for (std::size_t i = count; i-- > 0;) {
    std::string text = texts[i].first + ":" + texts[i].second;
    text.push_back('\0');
    if (text.size() < 5) text.resize(5, '\0');  // four bytes or fewer would have to stand in the entry itself
    be16(out, kModel - i);
    be16(out, 2);  // ASCII
    append_be32(out, static_cast<std::uint32_t>(text.size()));
    append_be32(out, static_cast<std::uint32_t>(values_at + values.size()));
    values += text;
    if (values.size() % 2) values.push_back('\0');
  }
  append_be32(out, 0);  // no further directory
  return out + values;
}

}  // namespace darkroom::imaging
