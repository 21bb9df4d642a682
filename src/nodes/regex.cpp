#include "nodes/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace darkroom {
namespace {

std::string message_of(int code) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

struct Regex::Compiled {
  pcre2_code* code = nullptr;
  pcre2_match_data* data = nullptr;
  pcre2_match_context* limits = nullptr;

  ~Compiled() {
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
  }
};

Regex::Regex(std::string_view pattern, RegexFlags flags) : translated_(translate_regex(pattern, flags)), compiled_(std::make_unique<Compiled>()) {
  if (translated_.pattern.size() > kRegexMaxPattern)
    throw TooLarge("a pattern of more than " + std::to_string(kRegexMaxPattern) + " bytes");
  std::uint32_t options = PCRE2_UTF | PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C;
  if (!translated_.ascii) options |= PCRE2_UCP;
  if (translated_.flags.ignore_case) options |= PCRE2_CASELESS;
  if (translated_.flags.multiline) options |= PCRE2_MULTILINE;
  if (translated_.flags.dotall) options |= PCRE2_DOTALL;
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(pcre2_compile_context_create(nullptr),
                                                                                             pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int fault = 0;
  std::size_t offset = 0;
  compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated_.pattern.data()), translated_.pattern.size(), options, &fault, &offset, context.get());
  if (!compiled_->code) throw RegexError(message_of(fault));
  compiled_->data = pcre2_match_data_create_from_pattern(compiled_->code, nullptr);
  compiled_->limits = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(compiled_->limits, kRegexMatchLimit);
  pcre2_set_heap_limit(compiled_->limits, kRegexHeapLimitKiB);
}

Regex::~Regex() = default;

std::optional<RegexMatch> Regex::search(std::string_view text, std::size_t from, bool must_advance) const {
  // The text is checked once, at its beginning.
  const std::uint32_t options = (must_advance ? PCRE2_NOTEMPTY_ATSTART : 0u) | (from > 0 ? PCRE2_NO_UTF_CHECK : 0u);
  const int count = pcre2_match(compiled_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, options, compiled_->data, compiled_->limits);
  if (count == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (count == PCRE2_ERROR_MATCHLIMIT || count == PCRE2_ERROR_HEAPLIMIT || count == PCRE2_ERROR_DEPTHLIMIT)
    throw TooLarge("the search was given up: the pattern backtracks too much on this text");
  if (count < 0) throw InvalidInput(message_of(count));
  const std::size_t* places = pcre2_get_ovector_pointer(compiled_->data);
  RegexMatch match(static_cast<std::size_t>(translated_.groups) + 1);
  for (std::size_t i = 0; i < match.size(); ++i) {
    const bool took_part = i < static_cast<std::size_t>(count) && places[2 * i] != PCRE2_UNSET;
    if (took_part) match[i] = text.substr(places[2 * i], places[2 * i + 1] - places[2 * i]);
  }
  return match;
}

}  // namespace darkroom
