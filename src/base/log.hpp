#pragma once
// The log: one line an event, to standard error. `log::info("worker {} started", pid)`.

#include <spdlog/spdlog.h>

#include <string_view>

namespace darkroom::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

/// Level by its name in ComfyUI's --verbose: DEBUG, INFO, WARNING, ERROR, CRITICAL. `program` stands in each line.
void setup(std::string_view program, std::string_view level);

}  // namespace darkroom::log
