#include "gateway/pack_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/http.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

Request request_of(HeaderList headers, std::string method = "GET", std::string target = "/rt/a%2Fb?x=%20&y=1;z") {
  Request request;
  request.method = std::move(method);
  request.headers = std::move(headers);
  set_target(request, target);
  return request;
}

TEST(PackRequest, PassesTargetAndHeadersOnAsTheyCame) {
  const std::string head = pack_request_head(
      request_of({{"host", "x:1"}, {"cookie", "a=1; b=\"2\""}, {"range", "bytes=1-"}, {"x-twice", "1"}, {"x-twice", "2"}}), "10.0.0.7",
      false);
  EXPECT_THAT(
      head,
      StartsWith(
          "GET /rt/a%2Fb?x=%20&y=1;z HTTP/1.1\r\nhost: x:1\r\ncookie: a=1; b=\"2\"\r\nrange: bytes=1-\r\nx-twice: 1\r\nx-twice: 2\r\n"));
  EXPECT_THAT(head, testing::EndsWith("X-Forwarded-For: 10.0.0.7\r\nConnection: close\r\n\r\n"));
}

TEST(PackRequest, KeepsWhatIsForOneHopToItself) {
  const std::string head = pack_request_head(request_of({{"connection", "keep-alive, X-Mine"},
                                                         {"x-mine", "secret"},
                                                         {"keep-alive", "9"},
                                                         {"te", "trailers"},
                                                         {"upgrade", "h2c"},
                                                         {"proxy-authorization", "p"},
                                                         {"expect", "100-continue"},
                                                         {"x-kept", "yes"}}),
                                             "", false);
  EXPECT_EQ(head, "GET /rt/a%2Fb?x=%20&y=1;z HTTP/1.1\r\nx-kept: yes\r\nConnection: close\r\n\r\n");
}

TEST(PackRequest, AddsTheClientToTheWayBehindIt) {
  const std::string head = pack_request_head(request_of({{"x-forwarded-for", "1.2.3.4"}, {"x-forwarded-proto", "http"}}), "::1", true);
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 1.2.3.4, ::1\r\nX-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("x-forwarded-proto")));
}

TEST(PackRequest, FramesTheBodyAnew) {
  EXPECT_EQ(framing_of(request_of({})), Framing::kNone);
  EXPECT_THAT(pack_request_head(request_of({{"content-length", "7"}}, "POST"), "", false), HasSubstr("Content-Length: 7\r\n"));
  const std::string both = pack_request_head(request_of({{"content-length", "7"}, {"transfer-encoding", "chunked"}}, "POST"), "", false);
  EXPECT_THAT(both, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(both, Not(HasSubstr("ontent-")));
}

TEST(PackRequest, AWebSocketIsAskedFor) {
  const auto request = request_of({{"connection", "Upgrade"}, {"upgrade", "WebSocket"}, {"sec-websocket-key", "k"}});
  EXPECT_TRUE(asks_for_websocket(request));
  EXPECT_THAT(pack_request_head(request, "", false), HasSubstr("sec-websocket-key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_FALSE(asks_for_websocket(request_of({{"connection", "upgrade"}, {"upgrade", "websocket"}}, "POST")));
  EXPECT_FALSE(asks_for_websocket(request_of({{"upgrade", "websocket"}})));
  EXPECT_TRUE(asks_for_websocket(request_of({{"connection", "keep-alive"}, {"connection", "x, upgrade"}, {"upgrade", "websocket"}})));
}

TEST(PackRequest, RepliesLoseWhatThisServerWritesItself) {
  EXPECT_THAT(client_headers({{"Content-Type", "text/plain"},
                              {"Content-Length", "3"},
                              {"Date", "now"},
                              {"Server", "Python"},
                              {"Connection", "close, X-Hop"},
                              {"X-Hop", "1"},
                              {"Transfer-Encoding", "chunked"},
                              {"Set-Cookie", "a=1"},
                              {"Set-Cookie", "b=2"}}),
              ElementsAre(Pair("Content-Type", "text/plain"), Pair("Set-Cookie", "a=1"), Pair("Set-Cookie", "b=2")));
}

}  // namespace
}  // namespace darkroom
