#pragma once
// One accepted connection: a TCP socket, with TLS over it where the server has a certificate. Plain sockets also have the two
// calls that never wait, so that most replies and messages cost one system call and no trip through the event loop.

#include <sys/uio.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <utility>

namespace darkroom {

namespace asio = boost::asio;

class Stream {
 public:
  using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;
  using Tls = asio::ssl::stream<Socket>;

  explicit Stream(Socket socket) : plain_(std::make_unique<Socket>(std::move(socket))) {}
  Stream(Socket socket, asio::ssl::context& context) : tls_(std::make_unique<Tls>(std::move(socket), context)) {}

  bool is_tls() const { return tls_ != nullptr; }
  Socket& socket() { return tls_ ? tls_->next_layer() : *plain_; }
  const Socket& socket() const { return tls_ ? tls_->next_layer() : *plain_; }
  Tls& tls() { return *tls_; }

  template <class Buffer, class Token>
  auto async_read_some(const Buffer& buffer, Token&& token) {
    if (tls_) return tls_->async_read_some(buffer, std::forward<Token>(token));
    return plain_->async_read_some(buffer, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write(const Buffers& buffers, Token&& token) {
    if (tls_) return asio::async_write(*tls_, buffers, std::forward<Token>(token));
    return asio::async_write(*plain_, buffers, std::forward<Token>(token));
  }

  /// Writes what the socket takes at once. Returns the bytes written, 0 when it would have to wait (always with TLS),
  /// -1 when the connection broke.
  ssize_t write_now(const iovec* parts, std::size_t count);
  /// Reads what is there: the number of bytes, 0 at the end, -1 when it broke, -2 when there is nothing yet. Not for TLS.
  ssize_t read_now(char* out, std::size_t size);

  enum class Ending {
    kNone,
    kHalf,  ///< the client sends nothing more, whether or not its last bytes have been read; it may have closed the connection too
    kWhole,
  };
  Ending ending() const;
  /// Finds dead peers of connections that are idle for long: probes after a minute, gives up after another.
  void keep_alive();
  /// Ends everything that waits on the connection.
  void close();
  /// Says that nothing more will be written; the client may still be sending.
  void shutdown_send();

 private:
  std::unique_ptr<Socket> plain_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace darkroom
