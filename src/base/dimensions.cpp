#include "base/dimensions.hpp"

#include <charconv>

namespace darkroom {

std::optional<std::pair<std::int64_t, std::int64_t>> dimensions(std::string_view text) {
  std::int64_t width = 0, height = 0;
  const char* end = text.data() + text.size();
  const auto [cross, first] = std::from_chars(text.data(), end, width);
  if (first != std::errc() || cross == end || (*cross != 'x' && *cross != 'X')) return std::nullopt;
  const auto [stopped, second] = std::from_chars(cross + 1, end, height);
  if (second != std::errc() || stopped != end || width <= 0 || height <= 0) return std::nullopt;
  return std::pair(width, height);
}

}  // namespace darkroom
