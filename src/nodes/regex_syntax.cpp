// What a pattern is made of: literals, quantifiers, and who reads the rest.

#include "nodes/regex_syntax.hpp"

#include "nodes/regex_translator.hpp"

namespace darkroom {

using namespace regex_letters;

namespace {
/// Limit: repetitions in a regular expression. Beyond: the pattern is refused. Fixed: PCRE2's own. Edge: Regex.LengthsAtTheEdge.
constexpr std::size_t kMaxRepeat = 65535;
}

TranslatedRegex RegexTranslator::run() {
  levels_.push_back({});
  while (at_ < in_.size()) step();
  if (levels_.size() > 1) fail("missing ), unterminated subpattern", levels_.back().start);
  for (const auto& [group, position] : awaited_)
    if (group > out_.groups) fail("invalid group reference " + std::to_string(group), position);
  return std::move(out_);
}

void RegexTranslator::emit_literal(char32_t c) {
  if (c >= 0x80 || is_letter(c) || is_digit(c) || c == '_') return python::append(out_.pattern, c);
  static constexpr char kHex[] = "0123456789abcdef";
  out_.pattern += {'\\', 'x', '{', kHex[c >> 4], kHex[c & 15], '}'};
}

void RegexTranslator::step() {
  const std::size_t start = at_;
  const char32_t c = in_[at_++];
  if (levels_.back().verbose) {
    if (c == ' ' || (c >= 9 && c <= 13)) return;
    if (c == '#') {
      while (!ended() && in_[at_] != '\n') ++at_;
      return;
    }
  }
  switch (c) {
    case '|': emit("|"); item_ = Item::kNone; break;
    case ')': close_group(start); break;
    case '(': open_group(start); break;
    case '[': char_class(start); item_ = Item::kAtom; break;
    case '\\': escape(start); break;
    case '*': case '+': case '?': quantifier(start, std::string(1, static_cast<char>(c))); break;
    case '{': braces(start); break;
    case '^': case '$': emit(c == '^' ? "^" : "$"); item_ = Item::kPlace; break;
    case '.': emit("."); item_ = Item::kAtom; break;
    default: emit_literal(c); item_ = Item::kAtom;
  }
}

void RegexTranslator::quantifier(std::size_t start, std::string text) {
  if (item_ == Item::kNone || item_ == Item::kPlace) fail("nothing to repeat", start);
  if (item_ == Item::kRepeat) fail("multiple repeat", start);
  if (!ended() && (peek() == '?' || peek() == '+')) text += static_cast<char>(in_[at_++]);
  emit(text);
  item_ = Item::kRepeat;
}

std::u32string RegexTranslator::digits() {
  std::u32string out;
  while (!ended() && is_digit(peek())) out += in_[at_++];
  return out;
}

/// `{2}`, `{2,}`, `{,3}`, `{2,3}`; anything else is a literal brace.
void RegexTranslator::braces(std::size_t start) {
  const std::size_t after = at_;
  const std::u32string low = digits();
  std::u32string high = low;
  const bool comma = !ended() && peek() == ',';
  if (comma) {
    ++at_;
    high = digits();
  }
  if (ended() || peek() != '}' || (low.empty() && !comma)) {
    at_ = after;
    emit_literal('{');
    item_ = Item::kAtom;
    return;
  }
  ++at_;
  const auto bounded = [](const std::u32string& text) {
    if (text.size() > 5 || static_cast<std::size_t>(to_int(text)) > kMaxRepeat) throw UnsupportedRegex("a repetition of more than 65535 times");
    return to_int(text);
  };
  const int least = low.empty() ? 0 : bounded(low);
  std::string text = "{" + std::to_string(least);
  if (high.empty()) text += ",";
  else if (comma && bounded(high) < least) fail("min repeat greater than max repeat", after);
  else if (comma) text += "," + std::to_string(bounded(high));
  quantifier(start, text + "}");
}

TranslatedRegex translate_regex(std::string_view pattern, RegexFlags flags) { return RegexTranslator(pattern, flags).run(); }

}  // namespace darkroom
