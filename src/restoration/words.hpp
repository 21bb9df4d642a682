#pragma once
// The texts of messages, in every language that there is. Messages are kept as keys with values and put into words when they are
// sent, so that two who watch one job may read different languages.

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace darkroom::restoration {

enum class Language { kEnglish, kChinese };

/// The first of the arguments that names one: "zh", "zh-CN", "en"; then Accept-Language by its weights; else English.
Language choose_language(std::string_view asked, std::string_view accept_language);

/// The text of `key` with `{name}` filled in out of `with`. A value that begins with `#` is a key itself. An unknown key is given back.
std::string words(Language language, std::string_view key, const json::object& with);

}  // namespace darkroom::restoration
