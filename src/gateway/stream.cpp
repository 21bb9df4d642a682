#include "gateway/stream.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace darkroom {

ssize_t Stream::write_now(const iovec* parts, std::size_t count) {
  if (tls_) return 0;
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = count;
  for (;;) {
    const ssize_t written = ::sendmsg(plain_->native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written >= 0) return written;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -1;
  }
}

ssize_t Stream::read_now(char* out, std::size_t size) {
  for (;;) {
    const ssize_t got = ::recv(plain_->native_handle(), out, size, MSG_DONTWAIT);
    if (got >= 0) return got;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? -2 : -1;
  }
}

void Stream::close() {
  boost::system::error_code ignored;
  socket().close(ignored);
}

void Stream::shutdown_send() {
  boost::system::error_code ignored;
  socket().shutdown(asio::socket_base::shutdown_send, ignored);
}

}  // namespace darkroom
