#include "gateway/websocket_frames.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace darkroom {
namespace {

bool is_control(Opcode opcode) { return static_cast<std::uint8_t>(opcode) >= 8; }

bool is_known(std::uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

}  // namespace

FrameHeader frame_header(Opcode opcode, std::size_t payload_size) {
  FrameHeader header;
  header.bytes[0] = static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode));
  int length_bytes = 0;
  if (payload_size < 126) {
    header.bytes[1] = static_cast<char>(payload_size);
  } else {
    length_bytes = payload_size <= 0xffff ? 2 : 8;
    header.bytes[1] = length_bytes == 2 ? 126 : 127;
  }
  for (int i = 0; i < length_bytes; ++i)
    header.bytes[static_cast<std::size_t>(2 + i)] = static_cast<char>(static_cast<std::uint64_t>(payload_size) >> (8 * (length_bytes - 1 - i)));
  header.size = static_cast<std::uint8_t>(2 + length_bytes);
  return header;
}

void FrameReader::feed(std::string_view bytes) {
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
  }
  buffer_ += bytes;
}

/// Reads the header of the next frame if it is there. Sets fault_ when it breaks the rules.
bool FrameReader::read_header() {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(buffer_[at_ + i]); };
  const std::size_t have = buffer_.size() - at_;
  if (have < 2) return false;
  const std::uint8_t short_length = byte(1) & 0x7f;
  const std::size_t length_bytes = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
  const std::uint8_t code = byte(0) & 0x0f;
  const bool masked = (byte(1) & 0x80) != 0;
  if ((byte(0) & 0x70) != 0 || !masked || !is_known(code)) {
    fault_ = kProtocolError;
    return false;
  }
  if (have < 2 + length_bytes + 4) return false;
  final_ = (byte(0) & 0x80) != 0;
  opcode_ = static_cast<Opcode>(code);
  left_ = length_bytes == 0 ? short_length : 0;
  for (std::size_t i = 0; i < length_bytes; ++i) left_ = left_ << 8 | byte(2 + i);
  for (std::size_t i = 0; i < 4; ++i) mask_[i] = byte(2 + length_bytes + i);
  mask_at_ = 0;
  at_ += 2 + length_bytes + 4;

  if (is_control(opcode_)) {
    if (!final_ || left_ > 125) fault_ = kProtocolError;
    control_.clear();
  } else {
    const bool continues = opcode_ == Opcode::kContinuation;
    if (continues == (message_opcode_ == Opcode::kContinuation)) fault_ = kProtocolError;
    if (!continues) {
      message_opcode_ = opcode_;
      message_size_ = 0;
      message_.clear();
    }
    if (left_ > kMaxIncoming || message_size_ + left_ > kMaxIncoming) fault_ = kTooBig;
  }
  in_frame_ = fault_ == 0;
  return in_frame_;
}

bool FrameReader::finish_frame(Incoming& out) {
  in_frame_ = false;
  if (is_control(opcode_)) {
    out = {opcode_, std::move(control_)};
    control_.clear();
    return true;
  }
  if (!final_) return false;
  out = {message_opcode_, std::move(message_)};
  message_ = {};
  message_opcode_ = Opcode::kContinuation;
  if (out.opcode == Opcode::kText && !is_valid_utf8(out.payload)) fault_ = kBadText;
  return fault_ == 0;
}

std::optional<Incoming> FrameReader::next() {
  while (fault_ == 0) {
    if (!in_frame_ && !read_header()) break;
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer_.size() - at_));
    const bool control = is_control(opcode_);
    if (control || !discard_) {
      std::string& target = control ? control_ : message_;
      const std::size_t start = target.size();
      target.append(buffer_, at_, take);
      for (std::size_t i = start; i < target.size(); ++i) target[i] = static_cast<char>(target[i] ^ static_cast<char>(mask_[mask_at_++ & 3]));
    } else {
      mask_at_ += take;
    }
    if (!control) message_size_ += take;
    at_ += take;
    left_ -= take;
    if (left_ > 0) break;
    Incoming out;
    if (finish_frame(out)) return out;
  }
  if (at_ == buffer_.size() && !buffer_.empty()) {
    std::string().swap(buffer_);
    at_ = 0;
  } else if (at_ > (64u << 10)) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  return std::nullopt;
}

}  // namespace darkroom
