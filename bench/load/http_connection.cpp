#include "load/http_connection.hpp"

#include <fmt/format.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/error.hpp"

namespace darkroom::load {
namespace {

namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr std::chrono::seconds kFresh{10};
constexpr std::size_t kPiece = 8u << 10;

}  // namespace

asio::awaitable<tcp::socket> dial(asio::io_context& io, const tcp::endpoint& server) {
  tcp::socket socket(io);
  co_await socket.async_connect(server, asio::use_awaitable);
  socket.set_option(tcp::no_delay(true));
  socket.non_blocking(true);
  co_return socket;
}

asio::awaitable<std::size_t> receive(tcp::socket& socket, std::string& into) {
  boost::system::error_code fault;
  for (;;) {
    co_await socket.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, fault));
    if (fault) co_return 0;
    const std::size_t before = into.size();
    into.resize(before + kPiece);
    const std::size_t got = socket.read_some(asio::buffer(into.data() + before, kPiece), fault);
    into.resize(before + got);
    if (fault != asio::error::would_block) co_return got;
  }
}

asio::awaitable<std::string> HttpConnection::request(std::string method, std::string target, std::string body) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}:{}\r\n", method, target, server_.address().to_string(), server_.port());
  if (!body.empty()) text += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  (text += "\r\n") += body;
  boost::system::error_code fault;
  if (!socket_.is_open() || Clock::now() - used_ > kFresh) socket_ = co_await dial(io_, server_);
  co_await asio::async_write(socket_, asio::buffer(text), asio::redirect_error(asio::use_awaitable, fault));
  if (fault) throw Unavailable(method + ' ' + target + ": " + fault.message());
  std::string reply = co_await read_reply();
  used_ = Clock::now();
  co_return reply;
}

asio::awaitable<std::string> HttpConnection::read_reply() {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  std::string bytes;
  while (!parser.is_done()) {
    const std::size_t got = co_await receive(socket_, bytes);
    if (got == 0) throw Unavailable("the connection ended before the reply");
    boost::system::error_code fault;
    bytes.erase(0, parser.put(asio::buffer(bytes), fault));
    if (fault && fault != http::error::need_more) throw Unavailable("the reply is not HTTP: " + fault.message());
  }
  if (!parser.get().keep_alive()) socket_.close();
  if (parser.get().result_int() != 200) throw Unavailable(fmt::format("status {}: {}", parser.get().result_int(), parser.get().body()));
  co_return std::move(parser.get().body());
}

}  // namespace darkroom::load
