#include "gateway/request_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>

#include "gateway/http.hpp"

namespace darkroom {

namespace beast = boost::beast;

class RequestParser::Parser final : public beast::http::basic_parser<true> {
 public:
  explicit Parser(Request& request) : request_(request) {
    request_.method.clear();
    request_.params.clear();
    request_.headers.clear();
    request_.body.clear();
    request_.stream = nullptr;
    header_limit(kMaxHeaderBytes);
    body_limit(boost::none);  // the limit depends on the route, and is counted here
    eager(false);
  }

  void set_body_sink(std::string& sink, std::size_t limit) {
    sink_ = &sink;
    limit_ = limit;
  }
  bool too_large() const { return too_large_; }
  bool http_1_0() const { return version_ < 11; }
  bool expects_continue() const { return expects_continue_; }

 private:
  using error_code = beast::error_code;
  using string_view = beast::string_view;
  using field = beast::http::field;

  void on_request_impl(beast::http::verb, string_view method, string_view target, int version, error_code&) override {
    request_.method.assign(method.data(), method.size());
    set_target(request_, {target.data(), target.size()});
    version_ = version;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(field name, string_view text, string_view value, error_code& ec) override {
    if (request_.headers.size() >= kMaxHeaders) {
      ec = beast::http::error::header_limit;
      return;
    }
    if (name == field::expect && value.size() == 12) expects_continue_ = true;  // "100-continue" is the only expectation there is
    auto& [key, content] = request_.headers.emplace_back();
    key.assign(text.data(), text.size());
    for (char& c : key)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    content.assign(value.data(), value.size());
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code& ec) override { return take(body, ec); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) override { return take(body, ec); }
  void on_finish_impl(error_code&) override {}

  std::size_t take(string_view body, error_code& ec) {
    if (body.size() > limit_ - taken_) {
      too_large_ = true;
      ec = beast::http::error::body_limit;
      return 0;
    }
    taken_ += body.size();
    if (sink_) sink_->append(body.data(), body.size());
    return body.size();
  }

  Request& request_;
  std::string* sink_ = nullptr;
  std::size_t limit_ = std::numeric_limits<std::size_t>::max();
  std::size_t taken_ = 0;
  int version_ = 11;
  bool too_large_ = false;
  bool expects_continue_ = false;
};

namespace {

std::optional<std::uint64_t> standard(const boost::optional<std::uint64_t>& value) {
  return value ? std::optional<std::uint64_t>(*value) : std::nullopt;
}

}  // namespace

RequestParser::RequestParser(Request& request) : parser_(std::make_unique<Parser>(request)) {}
RequestParser::~RequestParser() = default;

std::size_t RequestParser::put(std::string_view bytes, Fault& fault) {
  beast::error_code error;
  const bool in_head = !parser_->is_header_done();
  const std::size_t used = parser_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  // Beast stops after the head, and looks at its own limit only now and then.
  if (in_head) head_bytes_ += used;
  if (head_bytes_ > kMaxHeaderBytes) fault = Fault::kTooLong;
  else if (!error) fault = Fault::kNone;
  else if (error == beast::http::error::need_more) fault = Fault::kNeedsMore;
  else if (error == beast::http::error::header_limit) fault = Fault::kTooLong;
  else fault = Fault::kMalformed;
  return used;
}

void RequestParser::set_body_sink(std::string& sink, std::size_t limit) { parser_->set_body_sink(sink, limit); }
bool RequestParser::too_large() const { return parser_->too_large(); }
bool RequestParser::got_some() const { return parser_->got_some(); }
bool RequestParser::is_header_done() const { return parser_->is_header_done(); }
bool RequestParser::is_done() const { return parser_->is_done(); }
bool RequestParser::keep_alive() const { return parser_->keep_alive(); }
bool RequestParser::http_1_0() const { return parser_->http_1_0(); }
bool RequestParser::expects_continue() const { return parser_->expects_continue(); }
std::optional<std::uint64_t> RequestParser::content_length() const { return standard(parser_->content_length()); }
std::optional<std::uint64_t> RequestParser::content_length_remaining() const { return standard(parser_->content_length_remaining()); }

}  // namespace darkroom
