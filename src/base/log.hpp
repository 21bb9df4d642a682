#pragma once
// The log: one line an event, to standard error. `log::info("worker {} started", pid)`.

#include <fmt/core.h>

#include <string_view>

namespace darkroom::log {

enum class Level { kDebug, kInfo, kWarn, kError };

/// The functions below in one that is no template: a line of text costs the files that write it no more than a call.
void write(Level level, fmt::string_view format, fmt::format_args values);

template <class... Values>
void debug(fmt::format_string<Values...> format, Values&&... values) { write(Level::kDebug, format, fmt::make_format_args(values...)); }
template <class... Values>
void info(fmt::format_string<Values...> format, Values&&... values) { write(Level::kInfo, format, fmt::make_format_args(values...)); }
template <class... Values>
void warn(fmt::format_string<Values...> format, Values&&... values) { write(Level::kWarn, format, fmt::make_format_args(values...)); }
template <class... Values>
void error(fmt::format_string<Values...> format, Values&&... values) { write(Level::kError, format, fmt::make_format_args(values...)); }

/// Level by its name in ComfyUI's --verbose: DEBUG, INFO, WARNING, ERROR, CRITICAL. `program` stands in each line.
void setup(std::string_view program, std::string_view level);

}  // namespace darkroom::log
