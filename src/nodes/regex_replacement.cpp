// Templates: what a match is replaced by.

#include "nodes/python_text.hpp"
#include "nodes/regex_letters.hpp"
#include "nodes/regex_syntax.hpp"

namespace darkroom {

using namespace regex_letters;

std::vector<ReplacementPart> parse_replacement(std::string_view text, const TranslatedRegex& regex) {
  const std::u32string in = python::decode(text);
  std::vector<ReplacementPart> parts(1);
  const auto fail = [](const std::string& message, std::size_t position) { throw RegexError(at_position(message, position)); };
  const auto add_group = [&](int group, std::size_t position) {
    if (group > regex.groups) fail("invalid group reference " + std::to_string(group), position);
    parts.back().group = group;
    parts.emplace_back();
  };
  for (std::size_t i = 0; i < in.size();) {
    const std::size_t start = i;
    const char32_t c = in[i++];
    if (c != '\\') {
      python::append(parts.back().literal, c);
      continue;
    }
    if (i == in.size()) fail("bad escape (end of pattern)", start);
    const char32_t kind = in[i++];
    if (kind == 'g') {
      if (i == in.size() || in[i] != '<') fail("missing <", i);
      const std::size_t from = ++i, to = in.find('>', i);
      if (from == in.size() || to == from) fail("missing group name", from);
      if (to == in.npos) fail("missing >, unterminated name", from);
      const std::u32string name = in.substr(from, to - from);
      i = to + 1;
      if (is_number(name)) {
        add_group(to_int(name), from);
      } else {
        if (!is_identifier(name)) fail("bad character in group name '" + python::encode(name) + "'", from);
        const auto found = regex.names.find(python::encode(name));
        if (found == regex.names.end()) throw RegexError("unknown group name '" + python::encode(name) + "'");
        add_group(found->second, from);
      }
    } else if (is_digit(kind)) {
      std::u32string digits(1, kind);
      while (digits.size() < 3 && i < in.size() && is_digit(in[i])) digits += in[i++];
      const bool three_octal = digits.size() == 3 && is_octal(digits[0]) && is_octal(digits[1]) && is_octal(digits[2]);
      if (kind == '0' || three_octal) {
        std::size_t used = 1;
        while (used < digits.size() && is_octal(digits[used])) ++used;
        i -= digits.size() - used;
        const int value = to_int(digits.substr(0, used), 8);
        if (value > 0377) fail("octal escape value outside of range 0-0o377", start);
        python::append(parts.back().literal, static_cast<char32_t>(value));
      } else {
        if (digits.size() == 3) {
          digits.pop_back();
          --i;
        }
        add_group(to_int(digits), start + 1);
      }
    } else if (const auto control = control_escape(kind)) {
      python::append(parts.back().literal, *control);
    } else if (kind == 'b') {
      python::append(parts.back().literal, U'\b');
    } else if (kind == '\\') {
      parts.back().literal += '\\';
    } else if (is_letter(kind)) {
      fail("bad escape \\" + python::encode(std::u32string(1, kind)), start);
    } else {
      parts.back().literal += '\\';
      python::append(parts.back().literal, kind);
    }
  }
  return parts;
}

}  // namespace darkroom
