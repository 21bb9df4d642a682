#pragma once
// Frames that a server sends (RFC 6455 §5.2: not masked), read out of a stream of bytes.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace darkroom::load {

class FrameReader {
 public:
  /// Calls `visit(opcode, payload)` for every frame that is whole by now; the payload lives as long as the call.
  template <class Visit>
  void read(std::string_view bytes, Visit visit) {
    const bool goes_on = !rest_.empty();
    if (goes_on) bytes = rest_ += bytes;
    for (std::size_t whole = size_of_first(bytes); whole > 0; whole = size_of_first(bytes)) {
      if ((bytes[0] & 0x80) == 0) throw InvalidInput("a message in several frames");
      visit(bytes[0] & 0x0f, bytes.substr(head_, whole - head_));
      bytes.remove_prefix(whole);
    }
    if (goes_on) rest_.erase(0, rest_.size() - bytes.size());
    else rest_ = bytes;
  }

 private:
  /// Head and payload; 0 while it is not whole. Leaves the length of its head in head_.
  std::size_t size_of_first(std::string_view bytes) {
    const auto number = [&](std::size_t count) {
      std::uint64_t value = 0;
      for (std::size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[2 + i]);
      return value;
    };
    if (bytes.size() < 2) return 0;
    const unsigned length = bytes[1] & 0x7f;
    const std::size_t wide = length == 127 ? 8 : length == 126 ? 2 : 0;
    head_ = 2 + wide;
    if (bytes.size() < head_) return 0;
    const std::uint64_t payload = wide > 0 ? number(wide) : length;
    return bytes.size() - head_ < payload ? 0 : head_ + static_cast<std::size_t>(payload);
  }

  std::string rest_;
  std::size_t head_ = 0;
};

}  // namespace darkroom::load
