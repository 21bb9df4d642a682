#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>

#include <string>

#include "base/text.hpp"

namespace darkroom::log {

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
