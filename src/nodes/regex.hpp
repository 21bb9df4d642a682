#pragma once
// Regular expressions that a client wrote, run by PCRE2 with limits: no pattern can hang or exhaust a worker.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodes/regex_syntax.hpp"

namespace darkroom {

/// Limit: steps of one match of a regular expression. Beyond: the node fails and says so. Fixed: some tenths of a second. Edge:
/// Regex.NeverHangs.
inline constexpr std::uint32_t kRegexMatchLimit = 10'000'000;
/// Limit: memory for the backtracking of one match, KiB. Beyond: the node fails and says so. Fixed: enough for patterns that people write.
/// Edge: Regex.NeverHangs.
inline constexpr std::uint32_t kRegexHeapLimitKiB = 64 * 1024;
/// Limit: a regular expression, bytes. Beyond: the node fails and says so. Fixed: people write a line. Edge: Regex.LengthsAtTheEdge.
inline constexpr std::size_t kRegexMaxPattern = 64 * 1024;

/// One match: group 0 and the others; views of the searched text. A group that took no part is empty (nullopt).
using RegexMatch = std::vector<std::optional<std::string_view>>;

class Regex {
 public:
  /// Throws RegexError, UnsupportedRegex, and TooLarge for a huge pattern.
  Regex(std::string_view pattern, RegexFlags flags);
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;
  ~Regex();

  /// The first match that begins at byte `from` or later; `must_advance`: not an empty one at `from` itself.
  /// Throws TooLarge when a limit is passed, InvalidInput for a text that isn't UTF-8.
  std::optional<RegexMatch> search(std::string_view text, std::size_t from = 0, bool must_advance = false) const;

  /// All matches from left to right as re.finditer gives them: an empty one may follow directly on another match.
  template <class Take>
  void each_match(std::string_view text, Take take) const {
    std::size_t from = 0;
    bool must_advance = false;
    while (auto match = search(text, from, must_advance)) {
      const std::string_view whole = *(*match)[0];
      from = static_cast<std::size_t>(whole.data() - text.data()) + whole.size();
      must_advance = whole.empty();
      if (!take(*match)) return;
    }
  }

  const TranslatedRegex& translated() const { return translated_; }

 private:
  struct Compiled;
  TranslatedRegex translated_;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace darkroom
