#pragma once
// Small helpers on texts, identifiers and clocks.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace darkroom {

std::string uuid4();                       ///< random, canonical lower case
std::string random_hex(std::size_t digits);
std::int64_t now_ms();                     ///< milliseconds since 1970
std::int64_t steady_ms();                  ///< milliseconds of a clock that never jumps

std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);  ///< ASCII blanks off both ends
std::string lower(std::string_view text);      ///< ASCII only
bool starts_with_nocase(std::string_view text, std::string_view prefix);
bool is_valid_utf8(std::string_view text);

}  // namespace darkroom
