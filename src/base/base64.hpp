#pragma once
// Base64 with the usual alphabet and padding (RFC 4648 §4); that of tokens is in identity/base64url.hpp.

#include <string>
#include <string_view>

namespace darkroom {

std::string base64(std::string_view bytes);

}  // namespace darkroom
