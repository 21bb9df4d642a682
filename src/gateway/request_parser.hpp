#pragma once
// Beast's incremental HTTP parser, writing straight into a Request. One object reads one message.

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstddef>
#include <limits>
#include <string>

#include "gateway/http.hpp"

namespace darkroom {

constexpr std::size_t kMaxHeaderBytes = 64u << 10;  ///< request line and headers together
constexpr std::size_t kMaxHeaders = 200;            ///< number of header fields

class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  explicit RequestParser(Request& request) : request_(request) {
    request_.method.clear();
    request_.params.clear();
    request_.headers.clear();
    request_.body.clear();
    request_.stream = nullptr;
    header_limit(kMaxHeaderBytes);
    body_limit(boost::none);  // the limit depends on the route, and is counted here
    eager(false);
  }

  /// Where body bytes go, and how many may come in all.
  void set_body_sink(std::string& sink, std::size_t limit) {
    sink_ = &sink;
    limit_ = limit;
  }
  bool too_large() const { return too_large_; }
  bool http_1_0() const { return version_ < 11; }
  bool expects_continue() const { return expects_continue_; }

 private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;
  using field = boost::beast::http::field;

  void on_request_impl(boost::beast::http::verb, string_view method, string_view target, int version, error_code&) override {
    request_.method.assign(method.data(), method.size());
    set_target(request_, {target.data(), target.size()});
    version_ = version;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(field name, string_view text, string_view value, error_code& ec) override {
    if (request_.headers.size() >= kMaxHeaders) {
      ec = boost::beast::http::error::header_limit;
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
      ec = boost::beast::http::error::body_limit;
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

}  // namespace darkroom
