// Replies of packs' routes: the outcome is the same however the bytes are cut.

#include "gateway/reply_parser.hpp"

#include "fuzz.hpp"

namespace darkroom {
namespace {

class Reader {
 public:
  void feed(std::string_view bytes) {
    buffer_ += bytes;
    while (fault_ != ReplyParser::Fault::kMalformed && !parser_.is_done() && !buffer_.empty()) {
      fault_ = {};
      const std::size_t used = parser_.put(buffer_, body_, fault_);
      buffer_.erase(0, used);
      if (fault_ == ReplyParser::Fault::kNeedsMore || used == 0) break;
    }
  }

  std::string outcome() const {
    if (fault_ == ReplyParser::Fault::kMalformed) return "refused";
    if (!parser_.is_header_done()) return "more";
    std::string out = std::to_string(parser_.status());
    for (const auto& [name, value] : parser_.headers()) out += "\n" + name + ": " + value;
    return out + "\n" + body_ + (parser_.is_done() ? "." : "...");
  }

 private:
  ReplyParser parser_{false};
  std::string buffer_, body_;
  ReplyParser::Fault fault_{};
};

}  // namespace
}  // namespace darkroom

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace darkroom;
  const std::string_view bytes = view_of(data, std::min<std::size_t>(size, 60'000));
  Reader whole, pieces;
  whole.feed(bytes);
  in_pieces(bytes, [&](std::string_view piece) { pieces.feed(piece); });
  const std::string a = whole.outcome(), b = pieces.outcome();
  fuzz_check(a == b || a == "more" || b == "more", "a reply depends on how its bytes are cut");
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello", "HTTP/1.1 204 No Content\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n",
          "HTTP/1.0 200 OK\r\n\r\nuntil the end",
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nrest"};
}

std::vector<std::string> fuzz_words() {
  return {"\r\n",
          "\r\n\r\n",
          "HTTP/1.1",
          "Content-Length: ",
          "Transfer-Encoding: chunked\r\n",
          "0\r\n\r\n",
          "ffffffffffffffff",
          "Connection: close\r\n",
          ":",
          " ",
          " 304 "};
}
