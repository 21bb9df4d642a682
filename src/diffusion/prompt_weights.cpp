#include "diffusion/prompt_weights.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/text.hpp"

namespace darkroom {
namespace {

constexpr double kBracketFactor = 1.1;
constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

/// The prompt without escapes, and what the parser asks about each place.
struct Source {
  std::string text;
  std::string brackets;                  ///< '(' or ')' where one counts, else NUL
  std::vector<std::size_t> partner;      ///< of an opening bracket, the closing one; or kNowhere
  std::vector<std::size_t> last_colon;   ///< at or before this place, or kNowhere
  std::vector<std::size_t> last_bracket; ///< the same for brackets that count

  explicit Source(std::string_view prompt) {
    for (std::size_t i = 0; i < prompt.size(); ++i) {
      const bool escaped = prompt[i] == '\\' && i + 1 < prompt.size() && (prompt[i + 1] == '(' || prompt[i + 1] == ')');
      if (escaped) ++i;
      const char c = prompt[i];
      text += c;
      brackets += !escaped && (c == '(' || c == ')') ? c : '\0';
    }
    partner.assign(text.size(), kNowhere);
    last_colon.resize(text.size());
    last_bracket.resize(text.size());
    std::vector<std::size_t> open;
    std::size_t colon = kNowhere, bracket = kNowhere;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (brackets[i] == '(') open.push_back(i);
      if (brackets[i] == ')' && !open.empty()) {
        partner[open.back()] = i;
        open.pop_back();
      }
      if (text[i] == ':') colon = i;
      if (brackets[i]) bracket = i;
      last_colon[i] = colon;
      last_bracket[i] = bracket;
    }
  }
};

/// Decimal digits with single underscores between them, appended without these. False when there is none at the start.
bool take_digits(std::string_view& text, std::string& digits) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !is_digit(text[0])) return false;
  while (!text.empty() && (is_digit(text[0]) || (text[0] == '_' && text.size() > 1 && is_digit(text[1])))) {
    if (text[0] != '_') digits += text[0];
    text.remove_prefix(1);
  }
  return true;
}

/// What a number that fits no double becomes: infinity, or zero when it is too small.
double beyond_double(std::string_view digits) {
  const auto mantissa = digits.substr(0, digits.find('e'));
  std::int64_t exponent = 0;
  if (mantissa.size() < digits.size()) {
    const auto text = digits.substr(mantissa.size() + 1);
    if (std::from_chars(text.data(), text.data() + text.size(), exponent).ec != std::errc())
      exponent = (text[0] == '-' ? -1 : 1) * (std::numeric_limits<std::int64_t>::max() / 2);
  }
  const auto point = static_cast<std::int64_t>(std::min(mantissa.find('.'), mantissa.size()));
  const auto first = static_cast<std::int64_t>(std::min(mantissa.find_first_of("123456789"), mantissa.size()));
  return point - first + exponent > 0 ? std::numeric_limits<double>::infinity() : 0;
}

/// A number as Python's float() reads it: 1.2, .5, 1e3, 1_000, -inf, nan, blanks around.
std::optional<double> weight_of(std::string_view text) {
  text = trim(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const double sign = negative ? -1 : 1;
  constexpr std::size_t kLongestName = 8;
  if (text.size() <= kLongestName) {
    const auto name = lower(text);
    if (name == "inf" || name == "infinity") return sign * std::numeric_limits<double>::infinity();
    if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
  }
  std::string digits;
  bool any = take_digits(text, digits);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    digits += any ? "." : "0.";
    any |= take_digits(text, digits);
  }
  if (!any) return std::nullopt;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    digits += 'e';
    if (text.starts_with('-')) digits += '-';
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (!take_digits(text, digits)) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  double value = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return sign * (fault == std::errc::result_out_of_range ? beyond_double(digits) : value);
}

/// Places [at, end) of the source that have one weight, brackets within them aside.
struct Range {
  std::size_t at, end;
  double weight;
};

/// The inside of a bracket: without the brackets and, where it has one, the `:weight` at its end.
Range inside(const Source& source, std::size_t first, std::size_t end, double weight) {
  Range range{first, end, weight * kBracketFactor};
  if (first == end) return range;
  const auto colon = source.last_colon[end - 1];
  if (colon == kNowhere || colon <= first) return range;
  if (const auto bracket = source.last_bracket[end - 1]; bracket != kNowhere && bracket > colon) return range;  // it belongs to an inner one
  if (const auto number = weight_of(std::string_view(source.text).substr(colon + 1, end - colon - 1))) return {first, colon, *number};
  return range;
}

}  // namespace

std::vector<WeightedText> parse_prompt(std::string_view prompt) {
  const Source source(prompt);
  std::vector<WeightedText> pieces;
  const auto emit = [&](std::size_t first, std::size_t end, double weight) {
    if (first < end) pieces.push_back({source.text.substr(first, end - first), weight});
  };

  std::vector<Range> rest{{0, source.text.size(), 1}};  // what is left to read, the innermost last
  while (!rest.empty()) {
    const auto [first, end, weight] = rest.back();
    rest.pop_back();
    // A closing bracket too many makes the depth negative: brackets are then text until as many were opened.
    std::int64_t surplus = 0;
    std::size_t i = first;
    for (; i < end; ++i) {
      if (source.brackets[i] == ')') ++surplus;
      else if (source.brackets[i] == '(' && surplus > 0) --surplus;
      else if (source.brackets[i] == '(') break;
    }
    emit(first, i, weight);
    if (i == end) continue;
    const auto partner = source.partner[i];
    const bool closed = partner != kNowhere && partner < end;
    if (closed || source.brackets[end - 1] == ')') {  // one that is never closed, but ends like one, counts as a bracket
      const auto last = closed ? partner : end - 1;
      if (last + 1 < end) rest.push_back({last + 1, end, weight});
      rest.push_back(inside(source, i + 1, last, weight));
    } else {
      emit(i, end, weight);
    }
  }
  return pieces;
}

}  // namespace darkroom
