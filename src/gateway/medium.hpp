#pragma once
// What kind of file some bytes begin, whatever they are called: for what comes from elsewhere.

#include <optional>
#include <string>
#include <string_view>

namespace darkroom {

struct Medium {
  std::string_view kind;  ///< "image", "video" or "audio"
  std::string ending;     ///< ".png"
};

/// How many first bytes medium_of() wants.
inline constexpr std::size_t kMediumHead = 64;

/// By the first bytes of a file; nothing for what is none of the formats that nodes load.
std::optional<Medium> medium_of(std::string_view head);

}  // namespace darkroom
