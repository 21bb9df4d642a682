#include "gateway/log_buffer.hpp"

#include <utility>

namespace darkroom {

void LogBuffer::add(LogLine line) {
  std::function<void(const LogLine&)> listener;
  {
    const std::scoped_lock lock(mutex_);
    lines_.push_back(line);
    if (lines_.size() > kLogLines) lines_.pop_front();
    listener = listener_;
  }
  if (listener) listener(line);
}

std::vector<LogLine> LogBuffer::lines() const {
  const std::scoped_lock lock(mutex_);
  return {lines_.begin(), lines_.end()};
}

void LogBuffer::listen(std::function<void(const LogLine&)> listener) {
  const std::scoped_lock lock(mutex_);
  listener_ = std::move(listener);
}

}  // namespace darkroom
