#include "gateway/log_sink.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>

#include "base/log.hpp"

namespace darkroom {
namespace {

LogLine line_of(const spdlog::details::log_msg& message) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::microseconds>(message.time.time_since_epoch()).count();
  const std::time_t seconds = since_epoch / 1'000'000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return {fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                      parts.tm_min, parts.tm_sec, since_epoch % 1'000'000),
          std::string(message.payload.data(), message.payload.size()) + "\n"};
}

class BufferSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit BufferSink(LogBuffer& buffer) : buffer_(buffer) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override { buffer_.add(line_of(message)); }
  void flush_() override {}
  LogBuffer& buffer_;
};

}  // namespace

AttachedLog::AttachedLog(LogBuffer& buffer) : sink_(std::make_shared<BufferSink>(buffer)) { spdlog::default_logger()->sinks().push_back(sink_); }

AttachedLog::~AttachedLog() {
  auto& sinks = spdlog::default_logger()->sinks();
  sinks.erase(std::remove(sinks.begin(), sinks.end(), sink_), sinks.end());
}

}  // namespace darkroom
