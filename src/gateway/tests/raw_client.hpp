#pragma once
// A socket that sends any bytes and reads what comes: for requests that no decent client would send.

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace darkroom {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// Reads until the text so far ends the wait, the connection ends, or the time is over.
  template <class Enough>
  std::string read_until(Enough enough, int milliseconds = 3000) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    while (!enough(text_)) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
      pollfd ready{fd_, POLLIN, 0};
      if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) break;
      char bytes[65536];
      const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) {
        closed_ = true;
        break;
      }
      text_.append(bytes, static_cast<std::size_t>(got));
    }
    return std::exchange(text_, {});
  }
  /// One reply, headers and body by its Content-Length.
  std::string reply() {
    std::size_t whole = 0;
    std::string all = read_until([&](const std::string& text) {
      const auto head = text.find("\r\n\r\n");
      if (head == std::string::npos) return false;
      const auto length = text.find("Content-Length: ");
      whole = head + 4 + (length < head ? std::stoul(text.substr(length + 16)) : 0);
      return text.size() >= whole;
    });
    if (whole > 0 && all.size() > whole) text_ = all.substr(whole);
    return all.substr(0, whole > 0 ? whole : all.size());
  }
  std::string ask(std::string_view request) {
    send(request);
    return reply();
  }
  /// Everything until the server closes.
  std::string rest(int milliseconds = 3000) {
    return read_until([](const std::string&) { return false; }, milliseconds);
  }
  std::string read(std::size_t size) {
    std::string all = read_until([&](const std::string& text) { return text.size() >= size; });
    if (all.size() > size) text_ = all.substr(size);
    return all.substr(0, size);
  }
  bool closed() const { return closed_; }
  int fd() const { return fd_; }

 private:
  int fd_;
  bool connected_ = false, closed_ = false;
  std::string text_;
};

}  // namespace darkroom
