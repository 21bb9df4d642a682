// What a connection may ask for, and how long it may take (docs/limits.md): at each limit, and one beyond.

#include "gateway/http_session.hpp"
#include "gateway/request_parser.hpp"
#include "gateway/tests/server_fixture.hpp"

namespace darkroom {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

/// Time-outs in milliseconds: header 300, body 300, idle 600, linger 1,000; a sweep a second makes each a second late at most.
class ServerLimits : public ServerTest {
 protected:
  void still_serves() {
    RawClient client(port);
    EXPECT_THAT(client.ask("GET /queue HTTP/1.1\r\n\r\n"), EndsWith("{\"n\":1}"));
  }
};

TEST_F(ServerLimits, HeaderBytes) {
  start();
  const auto request = [](std::size_t bytes) {
    const std::string head = "GET /queue HTTP/1.1\r\nX: ";
    return head + std::string(bytes - head.size() - 4, 'a') + "\r\n\r\n";
  };
  const auto answer = [&](const std::string& text) {
    RawClient client(port);
    client.send(text);
    return client.reply();
  };
  EXPECT_THAT(answer(request(kMaxHeaderBytes)), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer(request(kMaxHeaderBytes + 1)), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(answer(request(200'000)), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(answer("GET /queue?" + std::string(kMaxHeaderBytes, 'q') + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
  still_serves();
}

TEST_F(ServerLimits, HeaderFields) {
  start();
  const auto request = [](std::size_t fields) {
    std::string text = "GET /queue HTTP/1.1\r\n";
    while (fields-- > 0) text += "X: 1\r\n";
    return text + "\r\n";
  };
  RawClient at(port), over(port);
  EXPECT_THAT(at.ask(request(kMaxHeaders)), StartsWith("HTTP/1.1 200 "));
  over.send(request(kMaxHeaders + 1));
  EXPECT_THAT(over.rest(), StartsWith("HTTP/1.1 431 "));
  still_serves();
}

TEST_F(ServerLimits, Bodies) {
  start();
  const std::size_t limit = options.max_body_bytes();
  const auto post = [&](const std::string& path, std::size_t bytes) {
    RawClient client(port);
    client.send("POST " + path + " HTTP/1.1\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n");
    client.send(std::string(bytes, 'c'));
    return client.reply();
  };
  const std::string refused = "Maximum request body size " + std::to_string(limit) + " exceeded.";
  EXPECT_THAT(post("/stream", limit), EndsWith("\r\n\r\n" + std::to_string(limit)));
  EXPECT_THAT(post("/stream", limit + 1), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(post("/echo", limit).substr(0, 13), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(post("/echo", limit + 1), AllOf(StartsWith("HTTP/1.1 413 "), EndsWith(refused)));

  RawClient chunked(port);  // without a length in front
  chunked.send("POST /stream HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 200; ++i) chunked.send("2710\r\n" + std::string(10'000, 'c') + "\r\n");
  EXPECT_THAT(chunked.rest(), StartsWith("HTTP/1.1 413 "));
  RawClient expecting(port);
  EXPECT_THAT(expecting.ask("POST /echo HTTP/1.1\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n"), StartsWith("HTTP/1.1 413 "))
      << "refused before it is sent";
  still_serves();
}

TEST_F(ServerLimits, AnUnreadBodyIsReadOverToALimit) {
  options.max_upload_mb = 10;
  start();
  const auto post = [](RawClient& client, std::size_t bytes) {
    client.send("POST /unread HTTP/1.1\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n");
    client.send(std::string(bytes, 'u'));
    return client.reply();
  };
  RawClient at(port), over(port);
  EXPECT_THAT(post(at, kDrainBytes), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(at.ask("GET /queue HTTP/1.1\r\n\r\n"), EndsWith("{\"n\":1}")) << "the connection goes on";
  EXPECT_THAT(post(over, 2 * kDrainBytes), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Connection: close\r\n")));
  over.rest();
  EXPECT_TRUE(over.closed());
}

TEST_F(ServerLimits, ClientIds) {
  start();
  const auto greeted = [&](std::size_t length) {
    RawClient client(port);
    client.ask("GET /ws?clientId=" + std::string(length, 'i') + kUpgrade);
    const std::string frame = client.read(4 + 6 + std::min<std::size_t>(length, 512));
    return frame.size() - 4 - 6;  // a frame of more than 125 bytes has four bytes in front; "hello "
  };
  EXPECT_EQ(greeted(512), 512u);
  EXPECT_EQ(greeted(513), 512u);
}

TEST_F(ServerLimits, AnIdleConnectionIsClosed) {
  start();
  RawClient fresh(port), used(port), quick(port);
  used.ask("GET /queue HTTP/1.1\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(quick.ask("GET /queue HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  EXPECT_EQ(fresh.rest(0), "");
  EXPECT_EQ(fresh.rest(), "") << "one that asks nothing is just closed";
  used.rest();
  EXPECT_TRUE(fresh.closed() && used.closed());
  EXPECT_FALSE(quick.closed());
}

TEST_F(ServerLimits, ASlowHeaderGets408) {
  start();
  RawClient slow(port);
  slow.send("GET /queue HTTP/1.1\r\nHost:");
  EXPECT_THAT(slow.rest(), StartsWith("HTTP/1.1 408 "));
  still_serves();
}

TEST_F(ServerLimits, ABodyThatStopsGets408) {
  start();
  RawClient stops(port), drips(port);
  stops.send("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
  drips.send("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\n");
  for (int i = 0; i < 10; ++i) {  // two seconds in all, but never long without a byte
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    drips.send("d");
  }
  EXPECT_THAT(drips.reply(), EndsWith("dddddddddd"));
  EXPECT_THAT(stops.rest(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(ServerLimits, AClientThatTakesNothingIsClosed) {
  times.write_idle = 500;
  start();
  RawClient asleep(port);
  for (int i = 0; i < 40; ++i) asleep.send("GET /file HTTP/1.1\r\n\r\n");  // 60 MB that nobody reads
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  EXPECT_LT(asleep.rest(1000).size(), 40 * kFileBytes);
  EXPECT_TRUE(asleep.closed());
  still_serves();
}

TEST_F(ServerLimits, AnEarlyReplyIsSeenAndTheRestIsCut) {
  times.body_idle = 60'000;
  start();
  RawClient stubborn(port);
  stubborn.send("POST /echo HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n");
  EXPECT_THAT(stubborn.reply(), StartsWith("HTTP/1.1 413 "));
  const std::int64_t began = steady_ms();
  while (::send(stubborn.fd(), "x", 1, MSG_NOSIGNAL) == 1 && steady_ms() - began < 5'000)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_GT(steady_ms() - began, 900) << "it was read on for a while";
  EXPECT_LT(steady_ms() - began, 4'000);
}

}  // namespace
}  // namespace darkroom
