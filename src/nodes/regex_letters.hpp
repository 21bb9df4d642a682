#pragma once
// Characters and small texts as Python's `re` reads them in patterns and in templates.

#include <glib.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace darkroom::regex_letters {

inline bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
inline bool is_octal(char32_t c) { return c >= '0' && c <= '7'; }
inline bool is_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

inline std::string at_position(std::string text, std::size_t position) { return std::move(text) + " at position " + std::to_string(position); }

inline bool is_identifier(std::u32string_view name) {
  if (name.empty() || is_digit(name[0])) return false;
  for (const char32_t c : name)
    if (c != '_' && !g_unichar_isalnum(c)) return false;
  return true;
}

inline bool is_number(std::u32string_view name) {
  for (const char32_t c : name)
    if (!is_digit(c)) return false;
  return !name.empty() && name.size() < 9;
}

inline int to_int(std::u32string_view digits, int base = 10) {
  int value = 0;
  for (const char32_t c : digits) value = value * base + static_cast<int>(c - '0');
  return value;
}

/// `\a` and its like; both in patterns and in templates.
inline std::optional<char32_t> control_escape(char32_t c) {
  switch (c) {
    case 'a': return 7;
    case 'f': return 12;
    case 'n': return 10;
    case 'r': return 13;
    case 't': return 9;
    case 'v': return 11;
    default: return std::nullopt;
  }
}

}  // namespace darkroom::regex_letters
