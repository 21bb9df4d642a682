#pragma once
// One kept connection of HTTP, with one request at a time.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "load/job.hpp"

namespace darkroom::load {

namespace asio = boost::asio;

/// A connected socket that never blocks.
asio::awaitable<asio::ip::tcp::socket> dial(asio::io_context& io, const asio::ip::tcp::endpoint& server);
/// Waits for bytes and appends them; 0 at the end of the connection. One system call for bytes that come later: nothing is tried before.
asio::awaitable<std::size_t> receive(asio::ip::tcp::socket& socket, std::string& into);

class HttpConnection {
 public:
  HttpConnection(asio::io_context& io, asio::ip::tcp::endpoint server) : io_(io), server_(std::move(server)), socket_(io) {}

  /// The body of the reply. Throws Unavailable when its status is not 200 or the connection fails.
  asio::awaitable<std::string> request(std::string method, std::string target, std::string body);

 private:
  asio::awaitable<std::string> read_reply();

  asio::io_context& io_;
  asio::ip::tcp::endpoint server_;
  asio::ip::tcp::socket socket_;
  Clock::time_point used_;  ///< servers close what is idle for long
};

}  // namespace darkroom::load
