#pragma once
// Copies every line of the program's log into the LogBuffer that the editor's log view reads.

#include <memory>

#include "gateway/log_buffer.hpp"

namespace spdlog::sinks {
class sink;
}

namespace darkroom {

/// As long as it lives, `buffer` gets the lines. Made and destroyed while no other thread logs.
class AttachedLog {
 public:
  explicit AttachedLog(LogBuffer& buffer);
  ~AttachedLog();
  AttachedLog(const AttachedLog&) = delete;
  AttachedLog& operator=(const AttachedLog&) = delete;

 private:
  std::shared_ptr<spdlog::sinks::sink> sink_;
};

}  // namespace darkroom
