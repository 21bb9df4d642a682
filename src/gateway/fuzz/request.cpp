// HTTP requests: the outcome is the same however the bytes are cut, and limits hold.

#include "gateway/request_parser.hpp"

#include "fuzz.hpp"
#include "gateway/http.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kBodyLimit = 1000;

class Reader {
 public:
  Reader() : parser_(request_) { parser_.set_body_sink(body_, kBodyLimit); }

  void feed(std::string_view bytes) {
    buffer_ += bytes;
    while (!ended() && !buffer_.empty()) {
      RequestParser::Fault fault{};
      const std::size_t used = parser_.put(buffer_, fault);
      buffer_.erase(0, used);
      fault_ = fault;
      if (fault == RequestParser::Fault::kNeedsMore || (used == 0 && !ended())) break;
    }
  }

  std::string outcome() const {
    if (failed()) return "refused";
    if (!parser_.is_header_done()) return "more";
    std::string out = request_.method + " " + request_.target + (parser_.keep_alive() ? " keep" : " close");
    for (const auto& [name, value] : request_.headers) out += "\n" + name + ": " + value;
    fuzz_check(request_.headers.size() <= kMaxHeaders, "more headers than the limit");
    fuzz_check(body_.size() <= kBodyLimit, "a body over the limit");
    return out + "\n" + body_ + (parser_.is_done() ? "." : "...");
  }

 private:
  bool failed() const {
    return parser_.too_large() || fault_ == RequestParser::Fault::kMalformed || fault_ == RequestParser::Fault::kTooLong;
  }
  bool ended() const { return failed() || parser_.is_done(); }

  Request request_;
  RequestParser parser_;
  std::string buffer_, body_;
  RequestParser::Fault fault_{};
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
  fuzz_check(a == b || a == "more" || b == "more", "a request depends on how its bytes are cut");
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {"GET /prompt?a=b%20c HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n",
          "POST /prompt HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
          "POST /upload/image HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n",
          "GET /ws?clientId=a HTTP/1.0\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n"};
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
          "%00"};
}
