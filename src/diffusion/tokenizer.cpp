#include "diffusion/tokenizer.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/error.hpp"
#include "diffusion/bpe.hpp"

namespace darkroom {
namespace {

using CodePoints = std::vector<utf8proc_int32_t>;
constexpr utf8proc_int32_t kReplacement = 0xfffd, kDottedCapitalI = 0x130, kDotAbove = 0x307;

CodePoints code_points(std::string_view text) {
  CodePoints points;
  points.reserve(text.size());
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &point);
    points.push_back(used > 0 ? point : kReplacement);
    text.remove_prefix(used > 0 ? static_cast<std::size_t>(used) : 1);
  }
  return points;
}

/// NFC. Not by utf8proc_map: its ordering of marks takes quadratic time on a long run of them.
CodePoints composed(const CodePoints& points) {
  if (std::ranges::all_of(points, [](auto point) { return point < 0x80; })) return points;
  CodePoints parts;
  parts.reserve(points.size());
  for (const auto point : points) {
    std::array<utf8proc_int32_t, 8> buffer;  // no code point has more than four parts
    const auto count = utf8proc_decompose_char(point, buffer.data(), buffer.size(), UTF8PROC_DECOMPOSE, nullptr);
    if (count < 0 || count > static_cast<utf8proc_ssize_t>(buffer.size())) parts.push_back(kReplacement);
    else parts.insert(parts.end(), buffer.begin(), buffer.begin() + count);
  }
  const auto order_of = [](utf8proc_int32_t point) { return utf8proc_get_property(point)->combining_class; };
  for (auto at = parts.begin(); at != parts.end();) {
    at = std::find_if(at, parts.end(), [&](auto point) { return order_of(point) != 0; });
    const auto end = std::find_if(at, parts.end(), [&](auto point) { return order_of(point) == 0; });
    std::stable_sort(at, end, [&](auto a, auto b) { return order_of(a) < order_of(b); });
    at = end;
  }
  const auto count = utf8proc_normalize_utf32(parts.data(), static_cast<utf8proc_ssize_t>(parts.size()),
                                              static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  if (count < 0) throw InternalError(std::string("prompt: ") + utf8proc_errmsg(count));
  parts.resize(static_cast<std::size_t>(count));
  return parts;
}

CodePoints lowered(const CodePoints& points) {
  CodePoints lower;
  lower.reserve(points.size());
  for (const auto point : points) {
    if (point == kDottedCapitalI) lower.insert(lower.end(), {'i', kDotAbove});  // the only one whose small form is two
    else lower.push_back(utf8proc_tolower(point));
  }
  return lower;
}

enum class Kind { kBlank, kLetter, kDigit, kSign };

Kind kind_of(utf8proc_int32_t point) {
  if (is_blank(static_cast<char32_t>(point))) return Kind::kBlank;
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return Kind::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return Kind::kDigit;
    default: return Kind::kSign;
  }
}

/// Code points of the English ending that begins here ('s 't 're 've 'm 'll 'd), or 0.
std::size_t contraction_at(const CodePoints& points, std::size_t at) {
  if (points[at] != '\'' || at + 1 == points.size()) return 0;
  const auto next = points[at + 1], after = at + 2 < points.size() ? points[at + 2] : 0;
  if (next == 's' || next == 't' || next == 'm' || next == 'd') return 2;
  if ((next == 'r' && after == 'e') || (next == 'v' && after == 'e') || (next == 'l' && after == 'l')) return 3;
  return 0;
}

/// Where the word that begins at `at` ends: letters together, each digit for itself, signs together.
std::size_t word_end(const CodePoints& points, std::size_t at) {
  if (const auto size = contraction_at(points, at)) return at + size;
  const Kind kind = kind_of(points[at]);
  ++at;
  if (kind == Kind::kDigit) return at;
  while (at < points.size() && kind_of(points[at]) == kind) ++at;
  return at;
}

void append_plain(std::string_view text, std::vector<int>& ids) {
  const auto points = lowered(composed(code_points(text)));
  std::string word;
  for (std::size_t at = 0; at < points.size();) {
    if (kind_of(points[at]) == Kind::kBlank) {
      ++at;
      continue;
    }
    word.clear();
    for (const auto end = word_end(points, at); at < end; ++at) {
      std::array<utf8proc_uint8_t, 4> bytes;
      const auto count = utf8proc_encode_char(points[at], bytes.data());
      word.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(count));
    }
    Bpe::clip().append(word, ids);
  }
}

}  // namespace

bool is_blank(char32_t c) {
  return c == ' ' || (c >= 0x9 && c <= 0xd) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

std::vector<int> clip_tokens(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, int>, 2> kMarks{{{"<|startoftext|>", Bpe::kStart}, {"<|endoftext|>", Bpe::kEnd}}};
  std::vector<int> ids;
  std::size_t plain = 0;
  for (std::size_t at = text.find("<|"); at != text.npos; at = text.find("<|", at)) {
    const auto mark = std::ranges::find_if(kMarks, [&](const auto& one) { return text.substr(at).starts_with(one.first); });
    if (mark == kMarks.end()) {
      ++at;
      continue;
    }
    append_plain(text.substr(plain, at - plain), ids);
    ids.push_back(mark->second);
    plain = at += mark->first.size();
  }
  append_plain(text.substr(plain), ids);
  return ids;
}

}  // namespace darkroom
