#pragma once
// Sizes of pictures in words.

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace darkroom {

/// "512x768" -> width and height, pixels, both over 0; nothing for any other text.
std::optional<std::pair<std::int64_t, std::int64_t>> dimensions(std::string_view text);

}  // namespace darkroom
