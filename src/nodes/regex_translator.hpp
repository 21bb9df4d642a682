#pragma once
// The reader of regex_syntax.hpp: one pass over a pattern of Python's, writing PCRE2's as it goes.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nodes/python_text.hpp"
#include "nodes/regex_letters.hpp"
#include "nodes/regex_syntax.hpp"

namespace darkroom {

/// Made for one pattern, run once.
class RegexTranslator {
 public:
  RegexTranslator(std::string_view pattern, RegexFlags flags) : in_(python::decode(pattern)) { out_.flags = flags; }
  /// Throws RegexError and UnsupportedRegex.
  TranslatedRegex run();

 private:
  /// What stands before a quantifier.
  enum class Item { kNone, kAtom, kPlace, kRepeat };
  struct Level {
    std::size_t start = 0;
    int group = -1;  ///< the number of a capturing group
    bool verbose = false;
    Item item_outside = Item::kAtom;
  };
  /// One member of a class: a character, or a category as text.
  struct Member {
    std::optional<char32_t> character;
    std::string category;
  };

  [[noreturn]] void fail(const std::string& text, std::size_t position) const { throw RegexError(regex_letters::at_position(text, position)); }
  char32_t peek(std::size_t ahead = 0) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : U'\0'; }
  bool ended(std::size_t ahead = 0) const { return at_ + ahead >= in_.size(); }
  void emit(std::string_view text) { out_.pattern += text; }

  void emit_literal(char32_t c);
  void step();
  void quantifier(std::size_t start, std::string text);
  std::u32string digits();
  /// `{2}`, `{2,}`, `{,3}`, `{2,3}`; anything else is a literal brace.
  void braces(std::size_t start);

  // regex_groups.cpp
  void close_group(std::size_t start);
  void enter(std::size_t start, std::string_view text, int group = -1);
  std::u32string name_until(char32_t stop, const char* missing);
  int known_group(const std::u32string& name, std::size_t position);
  void back_reference(int group, std::size_t position);
  void open_group(std::size_t start);
  void python_group(std::size_t start);
  /// `(?im)` for the whole pattern, or `(?i-s:` for a group.
  void inline_flags(std::size_t start);

  // regex_escapes.cpp
  /// Exactly `count` hexadecimal digits.
  char32_t hex_escape(std::size_t start, std::size_t count);
  char32_t octal(std::size_t start, std::size_t most);
  /// Escapes that mean one character, inside and outside of classes. Nothing: another kind.
  std::optional<char32_t> character_escape(std::size_t start, char32_t c);
  [[noreturn]] void bad_escape(std::size_t start, char32_t c) const;
  /// `\s` of Python has four separators more than PCRE2's.
  std::string category(char32_t c, bool in_class) const;
  void escape(std::size_t start);
  Member class_member(std::size_t class_start);
  void char_class(std::size_t start);
  void put(const Member& member);

  std::u32string in_;
  std::size_t at_ = 0;
  TranslatedRegex out_;
  Item item_ = Item::kNone;
  std::vector<Level> levels_;
  std::set<int> closed_;
  std::vector<std::pair<int, std::size_t>> awaited_;  ///< groups that conditions ask for
};

}  // namespace darkroom
