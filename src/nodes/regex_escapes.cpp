// Backslashes and character classes.

#include "nodes/regex_translator.hpp"

namespace darkroom {

using namespace regex_letters;

char32_t RegexTranslator::hex_escape(std::size_t start, std::size_t count) {
  char32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (ended() || !g_unichar_isxdigit(peek()) || peek() > 0x7f) fail("incomplete escape " + python::encode(in_.substr(start, at_ - start)), start);
    value = value * 16 + static_cast<char32_t>(g_unichar_xdigit_value(in_[at_++]));
  }
  if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) fail("bad escape " + python::encode(in_.substr(start, at_ - start)), start);
  return value;
}

char32_t RegexTranslator::octal(std::size_t start, std::size_t most) {
  std::u32string text;
  at_ = start + 1;
  while (text.size() < most && !ended() && is_octal(peek())) text += in_[at_++];
  const int value = to_int(text, 8);
  if (value > 0377) fail("octal escape value \\" + python::encode(text) + " outside of range 0-0o377", start);
  return static_cast<char32_t>(value);
}

std::optional<char32_t> RegexTranslator::character_escape(std::size_t start, char32_t c) {
  if (const auto control = control_escape(c)) return control;
  if (c == 'x') return hex_escape(start, 2);
  if (c == 'u') return hex_escape(start, 4);
  if (c == 'U') return hex_escape(start, 8);
  if (c == 'N') throw UnsupportedRegex("\\N{...}: names of characters aren't supported");
  if (c == '0') return octal(start, 3);
  if (is_digit(c) || is_letter(c)) return std::nullopt;
  return c;
}

void RegexTranslator::bad_escape(std::size_t start, char32_t c) const { fail("bad escape \\" + python::encode(std::u32string(1, c)), start); }

std::string RegexTranslator::category(char32_t c, bool in_class) const {
  std::string text{'\\', static_cast<char>(c)};
  if (out_.ascii) return text;
  if (c == 's') return in_class ? "\\s\\x1c-\\x1f" : "[\\s\\x1c-\\x1f]";
  if (c == 'S' && !in_class) return "[^\\s\\x1c-\\x1f]";
  return text;
}

void RegexTranslator::escape(std::size_t start) {
  if (ended()) fail("bad escape (end of pattern)", start);
  const char32_t c = in_[at_++];
  item_ = Item::kAtom;
  if (c == 'A' || c == 'Z' || c == 'b' || c == 'B') {
    // Python's \B doesn't match in an empty text.
    emit(c == 'A' ? "\\A" : c == 'Z' ? "\\z" : c == 'b' ? "\\b" : "(?!\\A\\z)\\B");
    item_ = Item::kPlace;
  } else if (std::u32string_view(U"dDsSwW").find(c) != std::u32string_view::npos) {
    emit(category(c, false));
  } else if (const auto character = character_escape(start, c)) {
    emit_literal(*character);
  } else if (is_digit(c)) {
    if (is_octal(c) && is_octal(peek()) && is_octal(peek(1)) && !ended(1)) return emit_literal(octal(start, 3));
    std::u32string number(1, c);
    if (is_digit(peek())) number += in_[at_++];
    const int group = to_int(number);
    if (group > out_.groups) fail("invalid group reference " + std::to_string(group), start + 1);
    back_reference(group, start);
  } else {
    bad_escape(start, c);
  }
}

RegexTranslator::Member RegexTranslator::class_member(std::size_t class_start) {
  if (ended()) fail("unterminated character set", class_start);
  const std::size_t start = at_;
  const char32_t c = in_[at_++];
  if (c != '\\') return {c, ""};
  if (ended()) fail("bad escape (end of pattern)", start);
  const char32_t escaped = in_[at_++];
  if (escaped == 'b') return {U'\b', ""};
  if (std::u32string_view(U"dDsSwW").find(escaped) != std::u32string_view::npos) return {std::nullopt, category(escaped, true)};
  if (is_octal(escaped)) return {octal(start, 3), ""};
  if (const auto character = character_escape(start, escaped)) return {*character, ""};
  bad_escape(start, escaped);
}

void RegexTranslator::char_class(std::size_t start) {
  emit("[");
  if (!ended() && peek() == '^') {
    emit("^");
    ++at_;
  }
  for (bool first = true;; first = false) {
    if (!first && !ended() && peek() == ']') break;
    const std::size_t from = at_;
    const Member low = class_member(start);
    if (ended() || peek() != '-' || ended(1) || peek(1) == ']') {
      put(low);
      continue;
    }
    ++at_;
    const Member high = class_member(start);
    if (!low.character || !high.character || *high.character < *low.character)
      fail("bad character range " + python::encode(in_.substr(from, at_ - from)), from);
    put(low);
    emit("-");
    put(high);
  }
  ++at_;
  emit("]");
}

void RegexTranslator::put(const Member& member) {
  if (member.character) emit_literal(*member.character);
  else emit(member.category);
}

}  // namespace darkroom
