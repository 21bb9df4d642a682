#include "base/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <string>

#include "base/text.hpp"

namespace darkroom::log {
namespace {

spdlog::level::level_enum of_spdlog(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: break;
  }
  return spdlog::level::err;
}

}  // namespace

void write(Level level, fmt::string_view format, fmt::format_args values) {
  auto* logger = spdlog::default_logger_raw();
  const auto at = of_spdlog(level);
  if (logger->should_log(at)) logger->log(at, fmt::vformat(format, values));
}

void setup(std::string_view program, std::string_view level) {
  spdlog::drop(std::string(program));  // a second call changes the level
  auto logger = spdlog::stderr_logger_mt(std::string(program));
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %n %l: %v");
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  const std::string name = lower(level);
  spdlog::set_level(name == "debug" ? spdlog::level::debug
                    : name == "warning" ? spdlog::level::warn
                    : name == "error" ? spdlog::level::err
                    : name == "critical" ? spdlog::level::critical
                                         : spdlog::level::info);
}

}  // namespace darkroom::log
