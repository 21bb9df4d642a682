#pragma once
// The listening sockets, and the life of the connections that come in. Lives on the io thread.
// start() accepts; stop_accepting() closes the door and idle connections; drain() waits for the replies that are being written.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/http_times.hpp"

namespace darkroom {

namespace asio = boost::asio;

class BlockingPool;
class Gatekeeper;
class Router;
class WebSocketHost;
struct HttpContext;
struct Options;

/// Which sockets belong to which path: one host for most, others for paths of their own.
class SocketHosts {
 public:
  explicit SocketHosts(WebSocketHost& main) : main_(main) {}
  void add(std::string path, WebSocketHost& host) { extra_.emplace_back(std::move(path), &host); }
  WebSocketHost& of(std::string_view path) const;
  bool is_extra(const WebSocketHost& host) const;
  std::size_t connections() const;

 private:
  WebSocketHost& main_;
  std::vector<std::pair<std::string, WebSocketHost*>> extra_;
};

class Server {
 public:
  Server(asio::io_context& io, const Options& options, const Router& router, BlockingPool& pool, WebSocketHost& sockets, HttpTimes times = {});
  ~Server();

  /// Binds every address of --listen. Throws Unavailable ("port 8188 on 127.0.0.1 is taken ...") or InvalidInput.
  void listen();
  /// Port of the first address: of interest when 0 was asked for.
  std::uint16_t port() const;
  /// "http://127.0.0.1:8188", one for each address.
  std::vector<std::string> urls() const;

  /// Sockets of this path are served by another host than the others.
  void serve_sockets(std::string path, WebSocketHost& host) { hosts_.add(std::move(path), host); }

  /// Every request passes this one; to be set before start().
  void guard(Gatekeeper& gate);

  void start();
  void stop_accepting();
  /// Until every HTTP connection ended, at most `limit`.
  asio::awaitable<void> drain(std::chrono::milliseconds limit);

 private:
  struct Tls;
  using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;
  asio::awaitable<void> accept(Acceptor& acceptor);
  asio::awaitable<void> sweep();

  asio::io_context& io_;
  const Options& options_;
  SocketHosts hosts_;
  std::shared_ptr<HttpContext> context_;
  std::unique_ptr<Tls> tls_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  asio::steady_timer sweeper_;
  std::size_t max_connections_ = 0;  ///< by the limit on file descriptors
};

}  // namespace darkroom
