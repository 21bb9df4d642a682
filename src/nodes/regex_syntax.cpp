#include "nodes/regex_syntax.hpp"

#include <glib.h>

#include <optional>
#include <set>

#include "nodes/python_text.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kMaxRepeat = 65535;  // PCRE2's

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_octal(char32_t c) { return c >= '0' && c <= '7'; }
bool is_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string at_position(std::string text, std::size_t position) { return std::move(text) + " at position " + std::to_string(position); }

bool is_identifier(std::u32string_view name) {
  if (name.empty() || is_digit(name[0])) return false;
  for (const char32_t c : name)
    if (c != '_' && !g_unichar_isalnum(c)) return false;
  return true;
}

bool is_number(std::u32string_view name) {
  for (const char32_t c : name)
    if (!is_digit(c)) return false;
  return !name.empty() && name.size() < 9;
}

int to_int(std::u32string_view digits, int base = 10) {
  int value = 0;
  for (const char32_t c : digits) value = value * base + static_cast<int>(c - '0');
  return value;
}

/// `\a` and its like; both in patterns and in templates.
std::optional<char32_t> control_escape(char32_t c) {
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

class Translator {
 public:
  Translator(std::string_view pattern, RegexFlags flags) : in_(python::decode(pattern)) { out_.flags = flags; }

  TranslatedRegex run() {
    levels_.push_back({});
    while (at_ < in_.size()) step();
    if (levels_.size() > 1) fail("missing ), unterminated subpattern", levels_.back().start);
    for (const auto& [group, position] : awaited_)
      if (group > out_.groups) fail("invalid group reference " + std::to_string(group), position);
    return std::move(out_);
  }

 private:
  /// What stands before a quantifier.
  enum class Item { kNone, kAtom, kPlace, kRepeat };
  struct Level {
    std::size_t start = 0;
    int group = -1;  ///< the number of a capturing group
    bool verbose = false;
    Item item_outside = Item::kAtom;
  };

  [[noreturn]] void fail(const std::string& text, std::size_t position) const { throw RegexError(at_position(text, position)); }
  char32_t peek(std::size_t ahead = 0) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : U'\0'; }
  bool ended(std::size_t ahead = 0) const { return at_ + ahead >= in_.size(); }
  void emit(std::string_view text) { out_.pattern += text; }

  void emit_literal(char32_t c) {
    if (c >= 0x80 || is_letter(c) || is_digit(c) || c == '_') return python::append(out_.pattern, c);
    static constexpr char kHex[] = "0123456789abcdef";
    out_.pattern += {'\\', 'x', '{', kHex[c >> 4], kHex[c & 15], '}'};
  }

  void step() {
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

  void quantifier(std::size_t start, std::string text) {
    if (item_ == Item::kNone || item_ == Item::kPlace) fail("nothing to repeat", start);
    if (item_ == Item::kRepeat) fail("multiple repeat", start);
    if (!ended() && (peek() == '?' || peek() == '+')) text += static_cast<char>(in_[at_++]);
    emit(text);
    item_ = Item::kRepeat;
  }

  std::u32string digits() {
    std::u32string out;
    while (!ended() && is_digit(peek())) out += in_[at_++];
    return out;
  }

  /// `{2}`, `{2,}`, `{,3}`, `{2,3}`; anything else is a literal brace.
  void braces(std::size_t start) {
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

  void close_group(std::size_t start) {
    if (levels_.size() == 1) fail("unbalanced parenthesis", start);
    if (levels_.back().group > 0) closed_.insert(levels_.back().group);
    item_ = levels_.back().item_outside;
    levels_.pop_back();
    emit(")");
  }

  void enter(std::size_t start, std::string_view text, int group = -1) {
    Level level;
    level.start = start;
    level.group = group;
    level.verbose = levels_.back().verbose;
    levels_.push_back(level);
    emit(text);
    item_ = Item::kNone;
  }

  std::u32string name_until(char32_t stop, const char* missing) {
    const std::size_t start = at_;
    std::u32string name;
    while (!ended() && peek() != stop) name += in_[at_++];
    if (ended()) fail(name.empty() ? "missing group name" : missing, start);
    ++at_;
    if (name.empty()) fail("missing group name", start);
    return name;
  }

  int known_group(const std::u32string& name, std::size_t position) {
    const auto found = out_.names.find(python::encode(name));
    if (found == out_.names.end()) fail("unknown group name '" + python::encode(name) + "'", position);
    return found->second;
  }

  void back_reference(int group, std::size_t position) {
    if (!closed_.contains(group)) fail("cannot refer to an open group", position);
    emit("\\g{" + std::to_string(group) + "}");
    item_ = Item::kAtom;
  }

  void open_group(std::size_t start) {
    if (ended() || peek() != '?') return enter(start, "(", ++out_.groups);
    ++at_;
    if (ended()) fail("unexpected end of pattern", at_);
    const char32_t c = in_[at_++];
    switch (c) {
      case 'P': return python_group(start);
      case ':': return enter(start, "(?:");
      case '>': return enter(start, "(?>");
      case '=': return enter(start, "(?=");
      case '!': return enter(start, "(?!");
      case '#':
        while (!ended() && peek() != ')') ++at_;
        if (ended()) fail("missing ), unterminated comment", start);
        ++at_;
        return;
      case '<': {
        if (ended()) fail("unexpected end of pattern", at_);
        const char32_t kind = in_[at_++];
        if (kind != '=' && kind != '!') fail("unknown extension ?<" + python::encode(std::u32string(1, kind)), start + 1);
        return enter(start, kind == '=' ? "(?<=" : "(?<!");
      }
      case '(': {
        const std::size_t position = at_;
        const std::u32string name = name_until(')', "missing ), unterminated name");
        if (!is_identifier(name) && !is_number(name)) fail("bad character in group name '" + python::encode(name) + "'", position);
        const int group = is_number(name) ? to_int(name) : known_group(name, position);
        if (group == 0) fail("bad group number", position);
        awaited_.emplace_back(group, position);
        return enter(start, "(?(" + std::to_string(group) + ")");
      }
      default: --at_; return inline_flags(start);
    }
  }

  void python_group(std::size_t start) {
    const char32_t kind = peek();
    if (ended() || (kind != '<' && kind != '=')) fail("unknown extension ?P" + (ended() ? "" : python::encode(std::u32string(1, kind))), start + 1);
    const std::size_t position = ++at_;
    if (kind == '=') {
      const std::u32string name = name_until(')', "missing ), unterminated name");
      if (!is_identifier(name)) fail("bad character in group name '" + python::encode(name) + "'", position);
      return back_reference(known_group(name, position), position);
    }
    const std::u32string name = name_until('>', "missing >, unterminated name");
    if (!is_identifier(name)) fail("bad character in group name '" + python::encode(name) + "'", position);
    enter(start, "(", ++out_.groups);
    const auto [known, is_new] = out_.names.emplace(python::encode(name), out_.groups);
    if (!is_new)
      fail("redefinition of group name '" + known->first + "' as group " + std::to_string(out_.groups) + "; was group " + std::to_string(known->second),
           position);
  }

  /// `(?im)` for the whole pattern, or `(?i-s:` for a group.
  void inline_flags(std::size_t start) {
    std::string on, off;
    bool removing = false, verbose_on = false, verbose_off = false, ascii = false;
    for (;; ++at_) {
      if (ended()) fail("missing -, : or )", at_);
      const char32_t c = peek();
      if (c == ')' || c == ':') break;
      if (c == '-' && !removing) removing = true;
      else if (c == 'i' || c == 'm' || c == 's') (removing ? off : on) += static_cast<char>(c);
      else if (c == 'x') (removing ? verbose_off : verbose_on) = true;
      else if ((c == 'a' || c == 'u') && !removing) ascii |= c == 'a';
      else if (c == 'L') fail("bad inline flags: cannot use 'L' flag with a str pattern", at_);
      else if (on.empty() && off.empty() && !removing && !verbose_on && !ascii) fail("unknown extension ?" + python::encode(std::u32string(1, c)), start + 1);
      else fail("unknown flag", at_);
    }
    const bool global = in_[at_++] == ')';
    if (global) {
      if (removing) fail("missing :", at_ - 1);
      if (levels_.size() > 1 || !out_.pattern.empty()) fail("global flags not at the start of the expression", start);
      for (const char c : on) (c == 'i' ? out_.flags.ignore_case : c == 'm' ? out_.flags.multiline : out_.flags.dotall) = true;
      out_.ascii |= ascii;
      levels_.back().verbose |= verbose_on;
      return;
    }
    if (ascii) throw UnsupportedRegex("(?a:...): ASCII flags of a part aren't supported");
    enter(start, "(?" + on + (off.empty() ? "" : "-" + off) + ":");
    levels_.back().verbose = (levels_.back().verbose || verbose_on) && !verbose_off;
  }

  /// Exactly `count` hexadecimal digits.
  char32_t hex_escape(std::size_t start, std::size_t count) {
    char32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (ended() || !g_unichar_isxdigit(peek()) || peek() > 0x7f) fail("incomplete escape " + python::encode(in_.substr(start, at_ - start)), start);
      value = value * 16 + static_cast<char32_t>(g_unichar_xdigit_value(in_[at_++]));
    }
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) fail("bad escape " + python::encode(in_.substr(start, at_ - start)), start);
    return value;
  }

  char32_t octal(std::size_t start, std::size_t most) {
    std::u32string text;
    at_ = start + 1;
    while (text.size() < most && !ended() && is_octal(peek())) text += in_[at_++];
    const int value = to_int(text, 8);
    if (value > 0377) fail("octal escape value \\" + python::encode(text) + " outside of range 0-0o377", start);
    return static_cast<char32_t>(value);
  }

  /// Escapes that mean one character, inside and outside of classes. Nothing: another kind.
  std::optional<char32_t> character_escape(std::size_t start, char32_t c) {
    if (const auto control = control_escape(c)) return control;
    if (c == 'x') return hex_escape(start, 2);
    if (c == 'u') return hex_escape(start, 4);
    if (c == 'U') return hex_escape(start, 8);
    if (c == 'N') throw UnsupportedRegex("\\N{...}: names of characters aren't supported");
    if (c == '0') return octal(start, 3);
    if (is_digit(c) || is_letter(c)) return std::nullopt;
    return c;
  }

  [[noreturn]] void bad_escape(std::size_t start, char32_t c) const { fail("bad escape \\" + python::encode(std::u32string(1, c)), start); }

  /// `\s` of Python has four separators more than PCRE2's.
  std::string category(char32_t c, bool in_class) const {
    std::string text{'\\', static_cast<char>(c)};
    if (out_.ascii) return text;
    if (c == 's') return in_class ? "\\s\\x1c-\\x1f" : "[\\s\\x1c-\\x1f]";
    if (c == 'S' && !in_class) return "[^\\s\\x1c-\\x1f]";
    return text;
  }

  void escape(std::size_t start) {
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

  /// One member of a class: a character, or a category as text.
  struct Member {
    std::optional<char32_t> character;
    std::string category;
  };
  Member class_member(std::size_t class_start) {
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

  void char_class(std::size_t start) {
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
  void put(const Member& member) {
    if (member.character) emit_literal(*member.character);
    else emit(member.category);
  }

  std::u32string in_;
  std::size_t at_ = 0;
  TranslatedRegex out_;
  Item item_ = Item::kNone;
  std::vector<Level> levels_;
  std::set<int> closed_;
  std::vector<std::pair<int, std::size_t>> awaited_;  ///< groups that conditions ask for
};

}  // namespace

TranslatedRegex translate_regex(std::string_view pattern, RegexFlags flags) { return Translator(pattern, flags).run(); }

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
