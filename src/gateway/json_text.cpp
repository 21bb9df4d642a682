#include "gateway/json_text.hpp"

#include <algorithm>
#include <charconv>

namespace darkroom {

void append_text(std::string& out, std::string_view text) {
  const bool plain = std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; });
  if (!plain) {
    dump_to(out, json::value(text));
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

void append_integer(std::string& out, std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

}  // namespace darkroom
