#include "gateway/stream.hpp"

#include <netinet/tcp.h>
#include <poll.h>
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

Stream::Ending Stream::ending() const {
  pollfd state{const_cast<Stream*>(this)->socket().native_handle(), POLLRDHUP, 0};
  if (::poll(&state, 1, 0) <= 0) return Ending::kNone;
  return (state.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 ? Ending::kWhole : Ending::kHalf;
}

void Stream::keep_alive() {
  const int fd = socket().native_handle();
  const int on = 1, idle = 60, interval = 10, count = 6;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
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
