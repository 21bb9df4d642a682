#include "client/transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdlib>
#include <functional>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

/// Limit: time for a server to take a connection of `darkroom run --server` or `models pull`, s. Beyond: exit status 6. Fixed: networks answer sooner.
/// Edge: test_limits.py::test_a_server_that_takes_no_connection.
constexpr auto kConnectTime = std::chrono::seconds(10);
/// Limit: time between two pieces of a server's reply to the command line, s. Beyond: `run` ends with exit status 6, `models pull` asks
/// anew for the rest. Fixed: the first /object_info of a server takes a while. Edge: test_limits.py::test_a_server_that_never_replies.
constexpr auto kReplyTime = std::chrono::seconds(60);
/// Limit: a server's reply to `darkroom run`, bytes. Beyond: exit status 6. Fixed: the largest picture fits. Edge:
/// test_limits.py::test_a_reply_at_the_limit.
constexpr std::uint64_t kMaxReplyBytes = 2ull << 30;
/// Limit: a WebSocket message to `darkroom run`, bytes. Beyond: it asks for the end every second instead. Fixed: previews and texts are
/// shorter. Edge: TransportLimits.MessagesAtTheLimit.
constexpr std::size_t kMaxMessageBytes = 64u << 20;
constexpr std::size_t kPieceBytes = 256u << 10;  ///< of a body that is taken or sent piece by piece

/// A connection with or without TLS under one type that hides how a piece is read and written: Beast's operations over it are compiled
/// once instead of once a kind. Used from one thread.
class Stream {
 public:
  using executor_type = asio::any_io_executor;
  using Done = std::function<void(boost::system::error_code, std::size_t)>;

  Stream(asio::any_io_executor io, asio::ssl::context& trust, bool tls) : tls_(io, trust), encrypted_(tls) {}

  executor_type get_executor() { return tcp().get_executor(); }
  beast::tcp_stream& tcp() { return tls_.next_layer(); }
  asio::ssl::stream<beast::tcp_stream>& tls() { return tls_; }
  bool encrypted() const { return encrypted_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, std::vector<asio::mutable_buffer> pieces) { read(pieces, hidden(std::move(handler))); }, token,
        std::vector<asio::mutable_buffer>(asio::buffer_sequence_begin(buffers), asio::buffer_sequence_end(buffers)));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, std::vector<asio::const_buffer> pieces) { write(pieces, hidden(std::move(handler))); }, token,
        std::vector<asio::const_buffer>(asio::buffer_sequence_begin(buffers), asio::buffer_sequence_end(buffers)));
  }
  // For Beast: the end of a WebSocket by its time or by a side's wish.
  friend void beast_close_socket(Stream& stream) { stream.tcp().close(); }
  template <class Handler>
  friend void async_teardown(beast::role_type, Stream& stream, Handler&& handler) {
    stream.tcp().close();
    asio::post(stream.get_executor(), [done = std::forward<Handler>(handler)]() mutable { done(boost::system::error_code{}); });
  }

 private:
  template <class Handler>
  static Done hidden(Handler handler) {
    return [held = std::make_shared<Handler>(std::move(handler))](boost::system::error_code fault, std::size_t count) { std::move (*held)(fault, count); };
  }
  void read(const std::vector<asio::mutable_buffer>& pieces, Done done) {
    if (encrypted_) tls_.async_read_some(pieces, std::move(done));
    else tcp().async_read_some(pieces, std::move(done));
  }
  void write(const std::vector<asio::const_buffer>& pieces, Done done) {
    if (encrypted_) tls_.async_write_some(pieces, std::move(done));
    else tcp().async_write_some(pieces, std::move(done));
  }

  asio::ssl::stream<beast::tcp_stream> tls_;  // without encryption only the stream below it is used
  bool encrypted_;
};

/// What is wrong, in words of the program where those of OpenSSL say little.
std::string reason(const boost::system::error_code& fault) {
  if (fault == asio::ssl::error::stream_truncated) return "the connection was cut";
  return fault.message();
}

}  // namespace

json::value Transport::Reply::as_json() const {
  try {
    return parse_json(body, {.max_bytes = std::max<std::size_t>(body.size(), 1)});
  } catch (const Error&) {
    throw Unavailable(fmt::format("the server answered {} with something that is no JSON", status));
  }
}

std::string Transport::Head::field(const std::string& name) const {
  const auto at = fields.find(name);
  return at == fields.end() ? "" : at->second;
}

struct Transport::State {
  asio::any_io_executor io;
  ServerUrl url;
  std::optional<ServerUrl> proxy;
  Trust trust;
  Lookup lookup{};
  Clock::time_point end = Clock::time_point::max();
  std::string token{};
  std::map<std::string, std::string> cookies{};  ///< that the server gave: without a token it knows a visitor by them
  std::optional<beast::websocket::stream<Stream>> socket{};
  std::function<void(std::string_view)> binary{};

  Stream new_stream() { return Stream(io, *trust, url.tls); }

  void allow(beast::tcp_stream& stream, Clock::duration time) const { stream.expires_at(std::min(Clock::now() + time, end)); }

  /// `passed_on`: the request names the whole address, so that a proxy can pass it on; else it gets a tunnel.
  asio::awaitable<void> connect(Stream& stream, bool passed_on = false) {
    co_await reach(stream.tcp());
    if (proxy && (stream.encrypted() || !passed_on)) co_await open_tunnel(stream.tcp());
    if (stream.encrypted()) co_await shake_hands(stream.tls());
  }

  asio::awaitable<void> reach(beast::tcp_stream& stream) {
    const ServerUrl& next = proxy ? *proxy : url;
    boost::system::error_code fault;
    std::vector<tcp::endpoint> found;
    if (lookup) {
      found = co_await lookup(next.host, next.port);
    } else {
      tcp::resolver resolver(io);
      const auto all = co_await resolver.async_resolve(next.host, next.port, asio::redirect_error(asio::use_awaitable, fault));
      for (const auto& one : all) found.push_back(one.endpoint());
    }
    if (!fault) {
      allow(stream, kConnectTime);
      co_await stream.async_connect(found, asio::redirect_error(asio::use_awaitable, fault));
    }
    if (fault) throw Unavailable(fmt::format("no {} at {}: {}", proxy ? "proxy" : "server", next.authority(), fault.message()));
  }

  /// Sends a request and reads what stands before the body of its reply.
  template <class AnyStream, class Body, class Parser>
  static asio::awaitable<boost::system::error_code> ask(AnyStream& stream, const http::request<Body>& request, beast::flat_buffer& buffer,
                                                        Parser& parser) {
    boost::system::error_code fault;
    co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, fault));
    if (!fault) co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, fault));
    co_return fault;
  }

  /// Asks the proxy to pass on what follows, unread.
  asio::awaitable<void> open_tunnel(beast::tcp_stream& stream) {
    http::request<http::empty_body> request(http::verb::connect, url.authority(), 11);
    request.set(http::field::host, url.authority());
    http::response_parser<http::empty_body> parser;
    parser.skip(true);
    beast::flat_buffer buffer;
    allow(stream, kConnectTime);
    if (const auto fault = co_await ask(stream, request, buffer, parser)) throw Unavailable(fmt::format("the proxy {} did not answer: {}", proxy->authority(), fault.message()));
    if (const int status = static_cast<int>(parser.get().result_int()); status / 100 != 2)
      throw Unavailable(fmt::format("the proxy {} answered {} to a connection with {}", proxy->authority(), status, url.authority()));
  }

  asio::awaitable<void> shake_hands(asio::ssl::stream<beast::tcp_stream>& tls) {
    boost::system::error_code fault;
    if (asio::ip::make_address(url.host, fault); fault) SSL_set_tlsext_host_name(tls.native_handle(), url.host.c_str());
    tls.set_verify_callback(asio::ssl::host_name_verification(url.host));
    allow(tls.next_layer(), kConnectTime);
    co_await tls.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, fault));
    if (!fault) co_return;
    const long verdict = SSL_get_verify_result(tls.native_handle());
    if (verdict == X509_V_OK) throw Unavailable(fmt::format("no TLS with {}: {}", url.authority(), reason(fault)));
    throw Unavailable(fmt::format("the certificate of {} is not trusted: {}{}", url.authority(), X509_verify_cert_error_string(verdict),
                                  lookup ? "" : "; --tls-ca FILE names an authority to trust"));
  }

  /// Sends it piece by piece: each has its time, however long the whole takes.
  asio::awaitable<boost::system::error_code> write(Stream& stream, http::request<http::string_body>& request, const Sent& sent) const {
    http::request_serializer<http::string_body> serializer(request);
    serializer.limit(kPieceBytes);
    boost::system::error_code fault;
    for (std::size_t all = 0; !fault && !serializer.is_done();) {
      allow(stream.tcp(), kReplyTime);
      all += co_await http::async_write_some(stream, serializer, asio::redirect_error(asio::use_awaitable, fault));
      if (sent) sent(std::min(all, request.body().size()));
    }
    co_return fault;
  }

  /// Who asks, in a request's header.
  template <class Fields>
  void introduce(Fields& request) const {
    request.set(http::field::user_agent, "darkroom");
    if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
    std::string all;
    for (const auto& [name, value] : cookies) all += (all.empty() ? "" : "; ") + name + "=" + value;
    if (!all.empty()) request.set(http::field::cookie, all);
  }

  template <class Fields>
  void keep_cookies(const Fields& reply) {
    const auto [first, last] = reply.equal_range(http::field::set_cookie);
    for (auto at = first; at != last; ++at) {
      const std::string_view cookie = at->value();
      const std::string_view pair = trim(cookie.substr(0, cookie.find(';')));
      const auto equals = pair.find('=');
      if (equals == pair.npos || equals == 0) continue;
      const std::string name(pair.substr(0, equals)), value(pair.substr(equals + 1));
      if (value.empty() || lower(cookie).find("max-age=0") != std::string::npos) cookies.erase(name);
      else cookies[name] = value;
    }
  }

  /// A server that wants to know who asks.
  void check_token(int status) const {
    if (status != static_cast<int>(http::status::unauthorized)) return;
    throw Forbidden(token.empty() ? fmt::format("{} wants a token: --token or DARKROOM_TOKEN gives it", url.authority())
                                  : fmt::format("{} refused the token of --token or DARKROOM_TOKEN", url.authority()));
  }

  asio::awaitable<Reply> exchange(http::request<http::string_body> request, Sent sent) {
    Stream stream = new_stream();
    co_await connect(stream);
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxReplyBytes);
    beast::flat_buffer buffer;
    boost::system::error_code fault = co_await write(stream, request, sent);
    // A server may say no before it has read everything.
    if (fault == asio::error::broken_pipe || fault == asio::error::connection_reset) fault = {};
    while (!fault && !parser.is_done()) {
      allow(stream.tcp(), kReplyTime);
      co_await http::async_read_some(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, fault));
    }
    if (fault)
      throw Unavailable(fmt::format("{} did not answer {}: {}", url.authority(), std::string_view(request.target()), reason(fault)));
    const int status = static_cast<int>(parser.get().result_int());
    keep_cookies(parser.get());
    check_token(status);
    const std::string retry_after(parser.get()[http::field::retry_after]);
    co_return Reply{status, std::move(parser.get().body()), std::atoi(retry_after.c_str())};
  }

  asio::awaitable<void> take(http::request<http::string_body> request, Reader& reader) {
    Stream stream = new_stream();
    co_await connect(stream, true);
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    beast::flat_buffer buffer;
    allow(stream.tcp(), kReplyTime);
    auto fault = co_await ask(stream, request, buffer, parser);
    if (fault) throw Unavailable(fmt::format("{} did not answer: {}", url.authority(), reason(fault)));
    Head head{static_cast<int>(parser.get().result_int()), {}};
    for (const auto& field : parser.get()) head.fields[lower(field.name_string())] = std::string(field.value());
    if (!reader.head(head)) co_return;
    std::vector<char> piece(kPieceBytes);
    while (!parser.is_done()) {
      auto& body = parser.get().body();
      body.data = piece.data();
      body.size = piece.size();
      allow(stream.tcp(), kReplyTime);
      co_await http::async_read_some(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, fault));
      if (fault == http::error::need_buffer) fault = {};
      reader.piece({piece.data(), piece.size() - body.size});
      if (fault) throw Unavailable(fmt::format("{} stopped in the middle: {}", url.authority(), reason(fault)));
    }
  }

  asio::awaitable<void> stream(http::verb verb, const std::string& target, const std::map<std::string, std::string>& fields,
                               std::string body, Reader& reader) {
    const std::string whole = proxy && !url.tls ? "http://" + url.authority() + url.base + target : url.base + target;
    http::request<http::string_body> request(verb, whole, 11);
    const bool usual_port = url.port == (url.tls ? "443" : "80");  // signed addresses are signed for a host without one
    const std::string authority = url.authority();
    request.set(http::field::host, usual_port ? authority.substr(0, authority.rfind(':')) : authority);
    request.set(http::field::user_agent, "darkroom");
    request.set(http::field::accept_encoding, "identity");
    for (const auto& [name, value] : fields) request.set(name, value);
    request.keep_alive(false);
    request.body() = std::move(body);
    if (verb == http::verb::post) request.prepare_payload();
    return take(std::move(request), reader);
  }

  asio::awaitable<Reply> send(http::verb verb, const std::string& target, std::string body = "", const std::string& content_type = "",
                              Sent sent = {}) {
    http::request<http::string_body> request(verb, url.base + target, 11);
    request.set(http::field::host, url.authority());
    introduce(request);
    request.keep_alive(false);
    if (verb == http::verb::post) {
      request.set(http::field::content_type, content_type);
      request.body() = std::move(body);
      request.prepare_payload();
    }
    return exchange(std::move(request), std::move(sent));
  }

  asio::awaitable<void> open(std::string target) {
    auto& opened = socket.emplace(new_stream());
    co_await connect(opened.next_layer());
    opened.next_layer().tcp().expires_never();
    auto timeouts = beast::websocket::stream_base::timeout::suggested(beast::role_type::client);
    timeouts.keep_alive_pings = true;
    timeouts.idle_timeout = kReplyTime;
    opened.set_option(timeouts);
    opened.read_message_max(kMaxMessageBytes);
    opened.set_option(beast::websocket::stream_base::decorator([this](beast::websocket::request_type& request) { introduce(request); }));
    boost::system::error_code fault;
    beast::websocket::response_type response;
    co_await opened.async_handshake(response, url.authority(), url.base + target, asio::redirect_error(asio::use_awaitable, fault));
    keep_cookies(response);
    if (fault == beast::websocket::error::upgrade_declined) check_token(static_cast<int>(response.result_int()));
    if (fault) throw Unavailable(fmt::format("{} opened no WebSocket: {}", url.authority(), reason(fault)));
  }

  asio::awaitable<void> write(std::string text) {
    if (!socket) co_return;
    boost::system::error_code ignored;
    socket->text(true);
    co_await socket->async_write(asio::buffer(text), asio::redirect_error(asio::use_awaitable, ignored));
  }

  asio::awaitable<std::optional<std::string>> read() {
    while (socket) {
      auto& opened = *socket;
      beast::flat_buffer buffer;
      boost::system::error_code fault;
      co_await opened.async_read(buffer, asio::redirect_error(asio::use_awaitable, fault));
      if (fault) socket.reset();
      else if (opened.got_text()) co_return beast::buffers_to_string(buffer.data());
      else if (binary) binary(beast::buffers_to_string(buffer.data()));
    }
    co_return std::nullopt;
  }
};

Transport::Transport(asio::any_io_executor io, ServerUrl url, const std::filesystem::path& tls_ca, std::optional<ServerUrl> proxy)
    : state_(std::make_unique<State>(std::move(io), std::move(url), std::move(proxy),
                                     url.tls ? trust_in(tls_ca) : std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client))) {}

Transport::Transport(asio::any_io_executor io, ServerUrl url, Way way)
    : state_(std::make_unique<State>(std::move(io), std::move(url), std::nullopt, std::move(way.trust), std::move(way.lookup), way.end)) {}

Transport::Trust Transport::trust_in(const std::filesystem::path& file) {
  auto trust = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  boost::system::error_code fault;
  if (file.empty()) trust->set_default_verify_paths(fault);
  else trust->load_verify_file(file.string(), fault);
  if (fault) throw InvalidInput(fmt::format("--tls-ca: {} can't be read as PEM: {}", file.string(), fault.message()));
  trust->set_verify_mode(asio::ssl::verify_peer);
  return trust;
}

Transport::Transport(Transport&&) noexcept = default;
Transport::~Transport() = default;

void Transport::use_token(std::string token) {
  const auto fits = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::ranges::all_of(token, fits)) throw InvalidInput("the token has characters that no token has: it is one word of ASCII");
  state_->token = std::move(token);
}

asio::awaitable<Transport::Reply> Transport::get(std::string target) { return state_->send(http::verb::get, target); }

asio::awaitable<Transport::Reply> Transport::post(std::string target, std::string body, std::string content_type, Sent sent) {
  return state_->send(http::verb::post, target, std::move(body), content_type, std::move(sent));
}

asio::awaitable<Transport::Reply> Transport::remove(std::string target) { return state_->send(http::verb::delete_, target); }

asio::awaitable<void> Transport::fetch(std::string target, std::map<std::string, std::string> fields, Reader& reader) {
  return state_->stream(http::verb::get, target, fields, "", reader);
}

asio::awaitable<void> Transport::send(std::string target, std::map<std::string, std::string> fields, std::string body, Reader& reader) {
  return state_->stream(http::verb::post, target, fields, std::move(body), reader);
}

asio::awaitable<void> Transport::open_socket(std::string target) { return state_->open(std::move(target)); }

asio::awaitable<void> Transport::send_message(std::string text) { return state_->write(std::move(text)); }

asio::awaitable<std::optional<std::string>> Transport::read_message() { return state_->read(); }

void Transport::on_binary(std::function<void(std::string_view bytes)> listener) { state_->binary = std::move(listener); }

void Transport::close_socket() {
  if (state_->socket) state_->socket->next_layer().tcp().cancel();
}

}  // namespace darkroom
