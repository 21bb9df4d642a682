#pragma once
// Regular expressions of Python's `re`, read and written again in PCRE2's syntax. The two agree in most, but not in escapes
// (`\Z`, `\v`, `\Q`), in braces, in what they refuse, and in groups' names; so nothing is passed on unread.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace darkroom {

/// A pattern or template that Python would refuse, in its words: "nothing to repeat at position 0".
struct RegexError : InvalidInput {
  using InvalidInput::InvalidInput;
};

/// A pattern that Python takes and this doesn't: scoped ASCII flags, `\N{...}`, counts beyond 65535.
struct UnsupportedRegex : InvalidInput {
  using InvalidInput::InvalidInput;
};

struct RegexFlags {
  bool ignore_case = false, multiline = false, dotall = false;
};

struct TranslatedRegex {
  std::string pattern;                ///< for PCRE2, with numbered groups only
  RegexFlags flags;                   ///< with the global flags of the pattern
  bool ascii = false;                 ///< (?a)
  int groups = 0;                     ///< without group 0
  std::map<std::string, int> names;
};

/// Throws RegexError and UnsupportedRegex.
TranslatedRegex translate_regex(std::string_view pattern, RegexFlags flags);

/// What a match is replaced by: literal texts and groups in turn.
struct ReplacementPart {
  std::string literal;
  int group = -1;  ///< after the literal; -1: none
};
/// Reads a template (`\1`, `\g<name>`, `\n`). Throws RegexError.
std::vector<ReplacementPart> parse_replacement(std::string_view text, const TranslatedRegex& regex);

}  // namespace darkroom
