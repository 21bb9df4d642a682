#pragma once
// Percent-encoding of addresses (RFC 3986 §2).

#include <string>
#include <string_view>

namespace darkroom {

/// Everything but letters, digits and "-._~" escaped.
std::string percent_encode(std::string_view text);

/// `%41` → `A`. An escape that is none stays as it is.
std::string percent_decode(std::string_view text, bool plus_is_blank = false);

}  // namespace darkroom
