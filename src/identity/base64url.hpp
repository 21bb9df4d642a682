#pragma once
// Bytes as text that needs no escape in a header, cookie or URL (RFC 4648 §5, without padding).

#include <optional>
#include <string>
#include <string_view>

namespace darkroom {

std::string base64url(std::string_view bytes);
/// Nothing for text that base64url() would not have written: other characters, padding, bits left over.
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace darkroom
