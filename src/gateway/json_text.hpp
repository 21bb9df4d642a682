#pragma once
// Writing small JSON texts by hand: the messages of a running job are made thousands of times a second, without a json::object each.

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace darkroom {

/// Appends a JSON string, quotes and escapes included. `text` is valid UTF-8.
void append_text(std::string& out, std::string_view text);

void append_integer(std::string& out, std::int64_t value);

}  // namespace darkroom
