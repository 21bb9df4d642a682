#pragma once
// The framing of RFC 6455 for a server: headers of frames to clients, and reading what clients send.
// Own code because a message for ten thousand sockets must cost little more than its send() calls, and an idle socket little
// more than its kernel buffers; Beast's stream keeps buffers per connection and copies every message.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/send_queue.hpp"

namespace darkroom {

/// Limit: a WebSocket message from a client, bytes. Beyond: it is closed with 1009. Fixed: as in ComfyUI. Edge:
/// FrameReader.TooLongIsKnownFromTheHeader.
constexpr std::size_t kMaxIncoming = 4u << 20;

/// Header of one whole, unmasked frame. Nothing is set by default: a flush has room for many and mostly needs one.
struct FrameHeader {
  std::array<char, 10> bytes;
  std::uint8_t size;
};
FrameHeader frame_header(Opcode opcode, std::size_t payload_size);

/// Close codes of RFC 6455 §7.4.1.
enum CloseCode : std::uint16_t { kNormalClosure = 1000, kGoingAway = 1001, kProtocolError = 1002, kBadText = 1007, kTooBig = 1009, kTryAgainLater = 1013 };

/// What a client sent: a whole message (text or binary) or a control frame.
struct Incoming {
  Opcode opcode = Opcode::kText;
  std::string payload;  ///< empty for messages that nobody reads, see FrameReader::discard_messages
};

/// Takes frames off a stream, unmasks and joins them.
class FrameReader {
 public:
  void feed(std::string_view bytes);
  /// The next message or control frame. After a fault nothing more comes: see fault().
  std::optional<Incoming> next();
  /// The close code of a breach of the protocol, 0 when all is well.
  std::uint16_t fault() const { return fault_; }
  /// From now on payloads of messages are counted, not kept.
  void discard_messages() { discard_ = true; }

 private:
  bool read_header();
  bool finish_frame(Incoming& out);

  std::string buffer_;        ///< bytes of an incomplete frame; empty between frames
  std::size_t at_ = 0;
  std::string message_;       ///< fragments so far
  std::uint64_t message_size_ = 0;
  std::string control_;
  Opcode message_opcode_ = Opcode::kContinuation;  ///< kContinuation: no message has begun
  bool in_frame_ = false, final_ = false, discard_ = false;
  Opcode opcode_ = Opcode::kText;
  std::uint64_t left_ = 0;    ///< payload bytes of the current frame still to come
  std::array<unsigned char, 4> mask_{};
  std::size_t mask_at_ = 0;
  std::uint16_t fault_ = 0;
};

}  // namespace darkroom
