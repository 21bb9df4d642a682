// The client side of the fan-out measurement of bench/server.py, in C++ because ten thousand sockets in Python would measure Python.
//
//   fanout HOST PORT N     opens N WebSockets on /ws, says `ready`, and for each line on stdin waits until every socket has
//                          received one more frame, then says `done MICROSECONDS`
//   fanout --bare N SIZE   what the kernel alone costs: a loop of send() of SIZE bytes over N TCP connections of its own;
//                          says `bare CPU_MICROSECONDS` of the sending loop, the least of 7 rounds
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int dial(const char* host, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, host, &address.sin_addr);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/// Counts whole server frames (unmasked) in a stream.
struct Frames {
  std::string buffer;
  int take() {
    int count = 0;
    for (;;) {
      if (buffer.size() < 2) return count;
      std::size_t length = buffer[1] & 0x7f, head = 2;
      if (length == 126) {
        if (buffer.size() < 4) return count;
        length = (static_cast<unsigned char>(buffer[2]) << 8) | static_cast<unsigned char>(buffer[3]);
        head = 4;
      } else if (length == 127) {
        if (buffer.size() < 10) return count;
        length = 0;
        for (int i = 0; i < 8; ++i) length = length << 8 | static_cast<unsigned char>(buffer[2 + i]);
        head = 10;
      }
      if (buffer.size() < head + length) return count;
      buffer.erase(0, head + length);
      ++count;
    }
  }
};

double thread_cpu_us() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

constexpr int kRounds = 7;

int bare(int count, int size) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 4096) != 0) fail("listen");
  socklen_t length = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  // The receivers live in a child: one process may not have enough descriptors for both ends.
  int done[2];
  if (pipe(done) != 0) fail("pipe");
  const pid_t child = fork();
  if (child == 0) {
    std::vector<int> theirs;
    for (int i = 0; i < count; ++i) theirs.push_back(dial("127.0.0.1", ntohs(address.sin_port)));
    std::string sink(1 << 16, 0);
    for (int round = 0; round < kRounds; ++round) {
      for (const int fd : theirs)
        for (int got = 0; got < size;) {
          const ssize_t n = read(fd, sink.data(), sink.size());
          if (n <= 0) _exit(1);
          got += static_cast<int>(n);
        }
      if (write(done[1], "x", 1) != 1) _exit(1);
    }
    _exit(0);
  }
  std::vector<int> ours;
  for (int i = 0; i < count; ++i) {
    ours.push_back(accept(listener, nullptr, nullptr));
    if (ours.back() < 0) fail("accept");
  }
  const std::string payload(size, 'x');
  double least = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    const double began = thread_cpu_us();
    for (const int fd : ours)
      if (send(fd, payload.data(), payload.size(), MSG_DONTWAIT | MSG_NOSIGNAL) != size) fail("send");
    least = std::min(least, thread_cpu_us() - began);
    char byte;
    if (read(done[0], &byte, 1) != 1) fail("the receiver died");
  }
  waitpid(child, nullptr, 0);
  std::printf("bare %.0f\n", least);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (argc == 4 && std::strcmp(argv[1], "--bare") == 0) return bare(std::atoi(argv[2]), std::atoi(argv[3]));
  if (argc != 4) {
    std::fprintf(stderr, "usage: fanout HOST PORT N | fanout --bare N SIZE\n");
    return 2;
  }
  const int port = std::atoi(argv[2]), count = std::atoi(argv[3]);
  std::vector<Frames> frames(count);
  std::vector<int> sockets, received(count, 0);
  std::string buffer(1 << 16, 0);
  for (int i = 0; i < count; ++i) {
    const int fd = dial(argv[1], port);
    const std::string hello = "GET /ws?clientId=fan" + std::to_string(i) + " HTTP/1.1\r\nHost: " + argv[1] + ":" + argv[2] +
                              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    if (write(fd, hello.data(), hello.size()) < 0) fail("write");
    std::string reply;
    while (reply.find("\r\n\r\n") == reply.npos) {
      const ssize_t n = read(fd, buffer.data(), buffer.size());
      if (n <= 0) fail("handshake");
      reply.append(buffer.data(), n);
    }
    frames[i].buffer = reply.substr(reply.find("\r\n\r\n") + 4);
    while (frames[i].take() == 0) {  // the first status
      const ssize_t n = read(fd, buffer.data(), buffer.size());
      if (n <= 0) fail("hello");
      frames[i].buffer.append(buffer.data(), n);
    }
    sockets.push_back(fd);
  }
  const int poll = epoll_create1(0);
  for (int i = 0; i < count; ++i) {
    epoll_event event{EPOLLIN, {}};
    event.data.u32 = i;
    epoll_ctl(poll, EPOLL_CTL_ADD, sockets[i], &event);
  }
  std::printf("ready\n");
  std::fflush(stdout);
  int wanted = 0;
  for (int c; (c = std::getchar()) != EOF;) {
    if (c != '\n') continue;
    ++wanted;
    const auto began = std::chrono::steady_clock::now();
    int missing = static_cast<int>(std::count_if(received.begin(), received.end(), [&](int n) { return n < wanted; }));
    while (missing > 0) {
      epoll_event events[512];
      const int ready = epoll_wait(poll, events, 512, 30000);
      if (ready <= 0) fail("no frame within 30 s");
      for (int k = 0; k < ready; ++k) {
        const int i = static_cast<int>(events[k].data.u32);
        const ssize_t n = read(sockets[i], buffer.data(), buffer.size());
        if (n <= 0) fail("closed");
        frames[i].buffer.append(buffer.data(), n);
        const int before = received[i];
        received[i] += frames[i].take();
        if (before < wanted && received[i] >= wanted) --missing;
      }
    }
    std::printf("done %.0f\n", std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count());
    std::fflush(stdout);
  }
}
