#include "cli/server_client.hpp"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

constexpr auto kConnectTime = std::chrono::seconds(10);
constexpr auto kReplyTime = std::chrono::seconds(60);  ///< between two pieces; the first /object_info of a server takes a while
constexpr std::uint64_t kMaxReplyBytes = 2ull << 30;
constexpr std::size_t kMaxMessageBytes = 64u << 20;

}  // namespace

ServerUrl ServerUrl::parse(std::string_view text) {
  std::string_view rest = trim(text);
  const auto refuse = [&](const char* why) { return InvalidInput(fmt::format("the server \"{}\" {}; expected http://HOST:PORT", text, why)); };
  if (const auto scheme = rest.find("://"); scheme != rest.npos) {
    if (lower(rest.substr(0, scheme)) != "http") throw refuse("is not an http address");
    rest.remove_prefix(scheme + 3);
  }
  ServerUrl url;
  const auto slash = rest.find('/');
  if (slash != rest.npos) {
    url.base = rest.substr(slash);
    while (url.base.ends_with('/')) url.base.pop_back();
    rest = rest.substr(0, slash);
  }
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == rest.npos) throw refuse("has no closing bracket");
    url.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) throw refuse("has something behind the bracket");
  } else {
    const auto colon = rest.find(':');
    url.host = rest.substr(0, colon);
    if (colon != rest.npos) port = rest.substr(colon);
  }
  if (port.size() > 1) url.port = port.substr(1);
  if (url.host.empty()) throw refuse("names no host");
  if (url.port.empty() || url.port.size() > 5 || url.port.find_first_not_of("0123456789") != std::string::npos) throw refuse("has a port that is no number");
  return url;
}

std::string ServerUrl::authority() const { return host.find(':') == host.npos ? host + ":" + port : "[" + host + "]:" + port; }

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') out += static_cast<char>(c);
    else out += fmt::format("%{:02X}", c);
  }
  return out;
}

json::value ServerClient::Reply::as_json() const {
  try {
    return parse_json(body, {.max_bytes = std::max<std::size_t>(body.size(), 1)});
  } catch (const Error&) {
    throw Unavailable(fmt::format("the server answered {} with something that is no JSON", status));
  }
}

struct ServerClient::State {
  asio::any_io_executor io;
  ServerUrl url;
  std::optional<beast::websocket::stream<beast::tcp_stream>> socket;

  asio::awaitable<void> connect(beast::tcp_stream& stream) {
    tcp::resolver resolver(io);
    boost::system::error_code fault;
    const auto found = co_await resolver.async_resolve(url.host, url.port, asio::redirect_error(asio::use_awaitable, fault));
    if (!fault) {
      stream.expires_after(kConnectTime);
      co_await stream.async_connect(found, asio::redirect_error(asio::use_awaitable, fault));
    }
    if (fault) throw Unavailable(fmt::format("no server at {}: {}", url.authority(), fault.message()));
  }

  asio::awaitable<Reply> request(http::verb verb, std::string target, std::string body, std::string content_type) {
    beast::tcp_stream stream(io);
    co_await connect(stream);
    http::request<http::string_body> request(verb, url.base + target, 11);
    request.set(http::field::host, url.authority());
    request.set(http::field::user_agent, "darkroom run");
    request.keep_alive(false);
    if (verb == http::verb::post) {
      request.set(http::field::content_type, content_type);
      request.body() = std::move(body);
      request.prepare_payload();
    }
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxReplyBytes);
    beast::flat_buffer buffer;
    boost::system::error_code fault;
    stream.expires_after(kReplyTime);
    co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, fault));
    while (!fault && !parser.is_done()) {
      stream.expires_after(kReplyTime);
      co_await http::async_read_some(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, fault));
    }
    if (fault) throw Unavailable(fmt::format("{} did not answer {}: {}", url.authority(), target, fault.message()));
    const int status = static_cast<int>(parser.get().result_int());
    co_return Reply{status, std::move(parser.get().body())};
  }
};

ServerClient::ServerClient(asio::any_io_executor io, ServerUrl url) : state_(std::make_unique<State>(State{io, std::move(url), std::nullopt})) {}
ServerClient::~ServerClient() = default;

asio::awaitable<ServerClient::Reply> ServerClient::get(std::string target) {
  return state_->request(http::verb::get, std::move(target), "", "");
}

asio::awaitable<ServerClient::Reply> ServerClient::post(std::string target, std::string body, std::string content_type) {
  return state_->request(http::verb::post, std::move(target), std::move(body), std::move(content_type));
}

asio::awaitable<void> ServerClient::open_socket(std::string client_id) {
  auto& socket = state_->socket.emplace(state_->io);
  co_await state_->connect(beast::get_lowest_layer(socket));
  beast::get_lowest_layer(socket).expires_never();
  auto timeouts = beast::websocket::stream_base::timeout::suggested(beast::role_type::client);
  timeouts.keep_alive_pings = true;
  timeouts.idle_timeout = kReplyTime;
  socket.set_option(timeouts);
  socket.read_message_max(kMaxMessageBytes);
  boost::system::error_code fault;
  co_await socket.async_handshake(state_->url.authority(), state_->url.base + "/ws?clientId=" + url_encoded(client_id),
                                  asio::redirect_error(asio::use_awaitable, fault));
  if (fault) throw Unavailable(fmt::format("{} opened no WebSocket: {}", state_->url.authority(), fault.message()));
}

asio::awaitable<std::optional<std::string>> ServerClient::read_message() {
  for (;;) {
    if (!state_->socket) co_return std::nullopt;
    beast::flat_buffer buffer;
    boost::system::error_code fault;
    co_await state_->socket->async_read(buffer, asio::redirect_error(asio::use_awaitable, fault));
    if (fault || !state_->socket) {
      state_->socket.reset();
      co_return std::nullopt;
    }
    if (state_->socket->got_text()) co_return beast::buffers_to_string(buffer.data());
  }
}

void ServerClient::close_socket() {
  if (state_->socket) beast::get_lowest_layer(*state_->socket).cancel();
}

}  // namespace darkroom
