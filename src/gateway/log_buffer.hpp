#pragma once
// The last 300 lines of the log, for /internal/logs and its subscribers (protocol.md §3.14, §4.8).

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace darkroom {

/// Limit: lines that the log view shows. Beyond: the oldest go. Fixed: as in ComfyUI. Edge: LogBuffer.KeepsTheNewestLines.
constexpr std::size_t kLogLines = 300;

struct LogLine {
  std::string time;  ///< ISO, local, microseconds
  std::string text;  ///< with its newline
};

class LogBuffer {
 public:
  void add(LogLine line);  ///< any thread
  std::vector<LogLine> lines() const;
  /// `listener` is called on the adding thread for each line; it must hand over to the io thread.
  void listen(std::function<void(const LogLine&)> listener);

 private:
  mutable std::mutex mutex_;
  std::deque<LogLine> lines_;
  std::function<void(const LogLine&)> listener_;
};

}  // namespace darkroom
