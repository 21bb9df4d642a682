// WebSocket frames of clients: the same messages or the same close code, however the bytes are cut.

#include "fuzz.hpp"
#include "gateway/websocket_frames.hpp"

namespace darkroom {
namespace {

class Reader {
 public:
  void feed(std::string_view bytes) {
    if (reader_.fault() != 0) return;
    reader_.feed(bytes);
    while (const auto incoming = reader_.next()) {
      fuzz_check(incoming->payload.size() <= kMaxIncoming, "a message over the limit");
      seen_ += static_cast<char>('0' + static_cast<int>(incoming->opcode));
      seen_ += incoming->payload + "|";
    }
  }
  std::string outcome() const { return seen_ + std::to_string(reader_.fault()); }

 private:
  FrameReader reader_;
  std::string seen_;
};

std::string frame(int first_byte, std::string_view payload) {
  std::string out(1, static_cast<char>(first_byte));
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  }
  return out.append(4, '\0').append(payload);
}

}  // namespace
}  // namespace darkroom

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace darkroom;
  Reader whole, pieces;
  whole.feed(view_of(data, size));
  in_pieces(view_of(data, size), [&](std::string_view piece) { pieces.feed(piece); });
  fuzz_check(whole.outcome() == pieces.outcome(), "messages depend on how their bytes are cut");
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  using darkroom::frame;
  return {frame(0x81, R"({"type":"feature_flags","data":{}})") + frame(0x89, "ping"),
          frame(0x01, "one ") + frame(0x89, "p") + frame(0x80, "two"), frame(0x82, std::string(300, 'b')), frame(0x88, "\x03\xe8"),
          frame(0x81, "\xc3\xbc")};
}

std::vector<std::string> fuzz_words() {
  using darkroom::frame;
  return {frame(0x80, ""), frame(0x00, "x"), frame(0x81, "y"), std::string("\xff\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10),
          std::string("\x82\xff\0\0\0\0\0\x40\0\1", 10)};
}
