#include "nodes/python_text.hpp"

#include <glib.h>

#include <algorithm>
#include <iterator>

namespace darkroom::python {
namespace {

struct Range {
  char32_t first, last;
};

template <std::size_t N>
bool in(const Range (&ranges)[N], char32_t c) {
  const auto* at = std::upper_bound(std::begin(ranges), std::end(ranges), c, [](char32_t value, const Range& range) { return value < range.first; });
  return at != std::begin(ranges) && c <= std::prev(at)->last;
}

// Unicode's Other_Lowercase and Other_Uppercase: cased, though of no letter-case category.
constexpr Range kOtherCased[] = {
    {0xaa, 0xaa},       {0xba, 0xba},       {0x2b0, 0x2b8},     {0x2c0, 0x2c1},     {0x2e0, 0x2e4},     {0x345, 0x345},     {0x37a, 0x37a},
    {0x1d2c, 0x1d6a},   {0x1d78, 0x1d78},   {0x1d9b, 0x1dbf},   {0x2071, 0x2071},   {0x207f, 0x207f},   {0x2090, 0x209c},   {0x2160, 0x217f},
    {0x24b6, 0x24e9},   {0x2c7c, 0x2c7d},   {0xa69c, 0xa69d},   {0xa770, 0xa770},   {0xa7f8, 0xa7f9},   {0xab5c, 0xab5f},   {0x10780, 0x10780},
    {0x10783, 0x10785}, {0x10787, 0x107b0}, {0x107b2, 0x107ba}, {0x1df25, 0x1df2a}, {0x1f130, 0x1f149}, {0x1f150, 0x1f169}, {0x1f170, 0x1f189}};
// Punctuation that doesn't end a word (Word_Break MidLetter, MidNumLet, Single_Quote).
constexpr Range kWithinWords[] = {{0x27, 0x27},     {0x2e, 0x2e},     {0x3a, 0x3a},     {0xb7, 0xb7},     {0x387, 0x387},   {0x55f, 0x55f},
                                  {0x5f4, 0x5f4},   {0x2018, 0x2019}, {0x2024, 0x2024}, {0x2027, 0x2027}, {0xfe13, 0xfe13}, {0xfe52, 0xfe52},
                                  {0xfe55, 0xfe55}, {0xff07, 0xff07}, {0xff0e, 0xff0e}, {0xff1a, 0xff1a}};
constexpr Range kSpaces[] = {{0x9, 0xd},         {0x1c, 0x20},       {0x85, 0x85},       {0xa0, 0xa0},       {0x1680, 0x1680},
                             {0x2000, 0x200a},   {0x2028, 0x2029},   {0x202f, 0x202f},   {0x205f, 0x205f},   {0x3000, 0x3000}};

constexpr char32_t kSigma = 0x3a3, kFinalSigma = 0x3c2, kIota = 0x399, kIotaBelow = 0x345, kDotAbove = 0x307;

// Roman numerals and circled letters have cases that GLib doesn't map.
constexpr bool is_small_numeral(char32_t c) { return c >= 0x2170 && c <= 0x217f; }
constexpr bool is_big_numeral(char32_t c) { return c >= 0x2160 && c <= 0x216f; }
constexpr bool is_small_circled(char32_t c) { return c >= 0x24d0 && c <= 0x24e9; }
constexpr bool is_big_circled(char32_t c) { return c >= 0x24b6 && c <= 0x24cf; }

bool is_cased(char32_t c) { return g_unichar_isupper(c) || g_unichar_islower(c) || g_unichar_istitle(c) || in(kOtherCased, c); }

bool is_case_ignorable(char32_t c) {
  switch (g_unichar_type(c)) {
    case G_UNICODE_NON_SPACING_MARK:
    case G_UNICODE_ENCLOSING_MARK:
    case G_UNICODE_FORMAT:
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_MODIFIER_SYMBOL: return true;
    default: return in(kWithinWords, c);
  }
}

/// Upper case of one code point; up to three ("ß" is "SS").
std::u32string upper_of(char32_t c) {
  if (is_small_numeral(c)) return {c - 16};
  if (is_small_circled(c)) return {c - 26};
  if (c < 0x80) return {static_cast<char32_t>(c >= 'a' && c <= 'z' ? c - 32 : c)};
  std::string one;
  append(one, c);
  char* mapped = g_utf8_strup(one.data(), static_cast<gssize>(one.size()));
  std::u32string out = decode(mapped);
  g_free(mapped);
  return out;
}

std::u32string title_of(char32_t c) {
  if (c >= 0x10d0 && c <= 0x10ff) return {c};  // Georgian has capitals, but no title case
  if (is_small_numeral(c) || is_small_circled(c) || c == kIotaBelow || c == 0x149) return upper_of(c);
  const char32_t simple = g_unichar_totitle(c);
  if (simple != c || g_unichar_istitle(c)) return {simple};
  std::u32string out = upper_of(c);
  if (out.size() < 2) return {c};
  for (std::size_t i = 1; i < out.size(); ++i) out[i] = out[i] == kIota ? kIotaBelow : g_unichar_tolower(out[i]);
  return out;
}

/// A sigma at the end of a word: after a letter and before none, ignoring marks and inner punctuation.
bool is_final_sigma(std::u32string_view text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

void append_lower(std::u32string& out, std::u32string_view text, std::size_t at) {
  const char32_t c = text[at];
  if (c == kSigma) out += is_final_sigma(text, at) ? kFinalSigma : static_cast<char32_t>(kSigma + 32);
  else if (c == 0x130) out.append({'i', kDotAbove});
  else if (is_big_numeral(c)) out += c + 16;
  else if (is_big_circled(c)) out += c + 26;
  else out += g_unichar_tolower(c);
}

}  // namespace

std::u32string decode(std::string_view utf8) {
  std::u32string out;
  out.reserve(utf8.size());
  const char *at = utf8.data(), *end = at + utf8.size();
  while (at < end) {
    const gunichar c = g_utf8_get_char_validated(at, end - at);
    if (c == static_cast<gunichar>(-1) || c == static_cast<gunichar>(-2)) {
      // A NUL is valid here, whatever GLib says of it.
      out += *at == '\0' ? U'\0' : U'\uFFFD';
      ++at;
    } else {
      out += c;
      at = g_utf8_next_char(at);
    }
  }
  return out;
}

void append(std::string& out, char32_t c) {
  char bytes[6];
  out.append(bytes, static_cast<std::size_t>(g_unichar_to_utf8(c, bytes)));
}

std::string encode(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : text) append(out, c);
  return out;
}

std::int64_t length(std::string_view text) { return static_cast<std::int64_t>(decode(text).size()); }

std::string slice(std::string_view text, std::int64_t start, std::int64_t stop) {
  const std::u32string all = decode(text);
  const auto size = static_cast<std::int64_t>(all.size());
  const auto place = [size](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size); };
  start = place(start);
  stop = std::max(start, place(stop));
  return encode(std::u32string_view(all).substr(static_cast<std::size_t>(start), static_cast<std::size_t>(stop - start)));
}

std::string upper(std::string_view text) {
  std::u32string out;
  for (const char32_t c : decode(text)) out += upper_of(c);
  return encode(out);
}

std::string lower(std::string_view text) {
  const std::u32string all = decode(text);
  std::u32string out;
  for (std::size_t i = 0; i < all.size(); ++i) append_lower(out, all, i);
  return encode(out);
}

std::string capitalize(std::string_view text) {
  const std::u32string all = decode(text);
  std::u32string out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == 0) out += title_of(all[0]);
    else append_lower(out, all, i);
  }
  return encode(out);
}

std::string title(std::string_view text) {
  const std::u32string all = decode(text);
  std::u32string out;
  bool within_word = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (within_word) append_lower(out, all, i);
    else out += title_of(all[i]);
    within_word = is_cased(all[i]);
  }
  return encode(out);
}

bool is_space(char32_t c) { return in(kSpaces, c); }

std::string strip(std::string_view text, bool left, bool right) {
  const std::u32string all = decode(text);
  std::u32string_view rest = all;
  while (left && !rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
  while (right && !rest.empty() && is_space(rest.back())) rest.remove_suffix(1);
  return encode(rest);
}

std::string replace(std::string_view text, std::string_view find, std::string_view with) {
  std::string out;
  if (find.empty()) {
    out += with;
    for (const char32_t c : decode(text)) {
      append(out, c);
      out += with;
    }
    return out;
  }
  for (;;) {
    const auto at = text.find(find);
    out += text.substr(0, at);
    if (at == text.npos) return out;
    out += with;
    text.remove_prefix(at + find.size());
  }
}

}  // namespace darkroom::python
