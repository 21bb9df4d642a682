#include "gateway/reply_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace darkroom {

namespace beast = boost::beast;

class ReplyParser::Parser final : public beast::http::basic_parser<false> {
 public:
  explicit Parser(bool to_head) {
    header_limit(kMaxReplyHeadBytes);
    body_limit(boost::none);
    eager(false);
    skip(to_head);
  }

  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string* body = nullptr;

 private:
  using error_code = beast::error_code;
  using string_view = beast::string_view;

  void on_request_impl(beast::http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view, int, error_code&) override { status = code; }
  void on_field_impl(beast::http::field, string_view name, string_view value, error_code&) override {
    headers.emplace_back(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(string_view bytes, error_code&) override { return take(bytes); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code&) override { return take(bytes); }
  void on_finish_impl(error_code&) override {}

  std::size_t take(string_view bytes) {
    body->append(bytes.data(), bytes.size());
    return bytes.size();
  }
};

ReplyParser::ReplyParser(bool to_head) : parser_(std::make_unique<Parser>(to_head)) {}
ReplyParser::~ReplyParser() = default;

std::size_t ReplyParser::put(std::string_view bytes, std::string& body, Fault& fault) {
  parser_->body = &body;
  beast::error_code error;
  const std::size_t used = parser_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (!error) fault = Fault::kNone;
  else if (error == beast::http::error::need_more) fault = Fault::kNeedsMore;
  else fault = Fault::kMalformed;
  return used;
}

bool ReplyParser::put_end() {
  beast::error_code error;
  if (!parser_->is_done()) parser_->put_eof(error);
  return !error && parser_->is_done();
}

bool ReplyParser::is_header_done() const { return parser_->is_header_done(); }
bool ReplyParser::is_done() const { return parser_->is_done(); }
int ReplyParser::status() const { return parser_->status; }
const std::vector<std::pair<std::string, std::string>>& ReplyParser::headers() const { return parser_->headers; }

std::optional<std::uint64_t> ReplyParser::content_length() const {
  const auto length = parser_->content_length();
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

}  // namespace darkroom
