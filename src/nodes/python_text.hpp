#pragma once
// Texts as Python's str has them: lengths and places in code points, case mapping and blanks by Unicode. Arguments and results
// are UTF-8; bytes that aren't are replaced by U+FFFD.

#include <cstdint>
#include <string>
#include <string_view>

namespace darkroom::python {

std::u32string decode(std::string_view utf8);
std::string encode(std::u32string_view text);
void append(std::string& out, char32_t c);

std::int64_t length(std::string_view text);
/// text[start:stop]: negative places count from the end, what lies outside is cut.
std::string slice(std::string_view text, std::int64_t start, std::int64_t stop);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);  ///< first letter in title case, the rest lower
std::string title(std::string_view text);       ///< the first letter of each run of letters in title case

bool is_space(char32_t c);
std::string strip(std::string_view text, bool left = true, bool right = true);

/// All occurrences; an empty `find` puts `with` between all code points and at both ends.
std::string replace(std::string_view text, std::string_view find, std::string_view with);

}  // namespace darkroom::python
