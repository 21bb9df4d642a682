// HTTP connections of the server: requests that no decent client would send, among them.

#include "gateway/tests/server_fixture.hpp"

namespace darkroom {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  start();
  RawClient client(port);
  for (int i = 0; i < 3; ++i) {
    const std::string reply = client.ask("GET /queue HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 7\r\n"));
    EXPECT_THAT(reply, EndsWith("\r\n\r\n{\"n\":1}"));
  }
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  RawClient client(port);
  client.send("POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\nonePOST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\ntwo\r\nGET /queue HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.reply(), EndsWith("one"));
  EXPECT_THAT(client.reply(), EndsWith("two"));
  EXPECT_THAT(client.reply(), EndsWith("{\"n\":1}"));
}

TEST_F(ServerTest, HeadHasNoBody) {
  start();
  RawClient client(port);
  client.send("HEAD /queue HTTP/1.1\r\n\r\nGET /queue HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string reply = client.rest();
  EXPECT_THAT(reply, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_EQ(body_of(reply).substr(0, 8), "HTTP/1.1") << "the next reply follows at once";
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, MethodsAndUnknownPaths) {
  start();
  RawClient client(port);
  EXPECT_THAT(client.ask("POST /no/such HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET,HEAD\r\n"), EndsWith("405: Method Not Allowed")));
  EXPECT_THAT(client.ask("DELETE /queue HTTP/1.1\r\n\r\n"), HasSubstr("Allow: GET,HEAD\r\n"));
  EXPECT_THAT(client.ask("PUT /echo HTTP/1.1\r\n\r\n"), HasSubstr("Allow: GET,HEAD,POST\r\n"));
  EXPECT_THAT(client.ask("OPTIONS /any/path HTTP/1.1\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Content-Length: 0\r\n")));
  EXPECT_THAT(client.ask("GET /no/such.png HTTP/1.1\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("Cache-Control: public, max-age=86400\r\n"), HasSubstr("Content-Length: 0\r\n")));
  EXPECT_THAT(client.ask("GET / HTTP/1.1\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 403 "), EndsWith("403: Forbidden"))) << "a folder";
}

TEST_F(ServerTest, MalformedRequestsGet400AndTheEndOfTheConnection) {
  start();
  for (const char* request :
       {"nonsense\r\n\r\n", "GET /queue HTTP/9.9\r\n\r\n", "GET /queue\r\n\r\n", "GET /queue HTTP/1.1\r\nbad header\r\n\r\n", "GET /que ue HTTP/1.1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /echo HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n", "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03\r\n\r\n"}) {
    RawClient client(port);
    client.send(request);
    const std::string reply = client.rest();
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 400 ")) << request;
    EXPECT_TRUE(client.closed()) << request;
  }
  RawClient client(port);
  EXPECT_THAT(client.ask("GET /queue HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200")) << "the server is unharmed";
}

TEST_F(ServerTest, ASlowHeaderArrivesInPieces) {
  start();
  RawClient client(port);
  for (const char c : std::string("GET /queue HTTP/1.1\r\nHost: x\r\n\r\n")) {
    client.send(std::string(1, c));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_THAT(client.reply(), EndsWith("{\"n\":1}"));
}

TEST_F(ServerTest, ChunkedBodies) {
  start();
  RawClient client(port);
  EXPECT_THAT(client.ask("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n"), EndsWith("\r\n\r\nabcdefgh"));
  client.send("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char* piece : {"4", "\r", "\nwi", "ki\r\n", "0\r\n", "\r\n"}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    client.send(piece);
  }
  EXPECT_THAT(client.reply(), EndsWith("\r\n\r\nwiki"));
  EXPECT_THAT(client.ask("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), HasSubstr("Content-Length: 0\r\n"));
}

TEST_F(ServerTest, StreamedBodies) {
  start();
  RawClient client(port);
  const std::string body(700'000, 'b');
  client.send("POST /stream HTTP/1.1\r\nContent-Length: 700000\r\n\r\n");
  client.send(body);
  EXPECT_THAT(client.reply(), EndsWith("\r\n\r\n700000"));
  EXPECT_THAT(client.ask("POST /stream HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), EndsWith("\r\n\r\n0"));
  EXPECT_THAT(client.ask("POST /unread HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.ask("GET /queue HTTP/1.1\r\n\r\n"), EndsWith("{\"n\":1}")) << "the body that nobody read is gone";
}

TEST_F(ServerTest, Expect100Continue) {
  start();
  RawClient client(port);
  client.send("POST /echo HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read(25), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(client.ask("body"), EndsWith("\r\n\r\nbody"));
}

TEST_F(ServerTest, OldClientsAndClosingOnes) {
  start();
  RawClient client(port);
  client.send("GET /queue HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.rest(), AllOf(StartsWith("HTTP/1.0 200"), HasSubstr("Connection: close\r\n")));
  RawClient kept(port);
  EXPECT_THAT(kept.ask("GET /queue HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), HasSubstr("Connection: keep-alive\r\n"));
  RawClient gone(port);
  gone.send("POST /echo HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf");
}

TEST_F(ServerTest, ErrorsOfHandlersBecomeReplies) {
  start();
  RawClient client(port);
  EXPECT_THAT(client.ask("GET /fault/missing HTTP/1.1\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("there is no such thing")));
  EXPECT_THAT(client.ask("GET /fault/other HTTP/1.1\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 500 "), HasSubstr("\"error\""), Not(HasSubstr("secret"))));
  EXPECT_THAT(client.ask("GET /queue HTTP/1.1\r\n\r\n"), EndsWith("{\"n\":1}"));
}

TEST_F(ServerTest, ForeignPagesAreRefused) {
  start();
  RawClient client(port);
  EXPECT_THAT(client.ask("GET /queue HTTP/1.1\r\nHost: 127.0.0.1:1\r\nOrigin: http://evil.example\r\n\r\n"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(client.ask("OPTIONS /queue HTTP/1.1\r\nHost: 127.0.0.1:1\r\nOrigin: http://evil.example\r\n\r\n"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(client.ask("GET /queue HTTP/1.1\r\nHost: 127.0.0.1:1\r\nOrigin: null\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, CorsAndCompression) {
  options.enable_cors = true;
  options.compress_response_body = true;
  start();
  RawClient client(port);
  const std::string reply = client.ask("GET /queue HTTP/1.1\r\nHost: 127.0.0.1:1\r\nOrigin: http://evil.example\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_THAT(reply, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Access-Control-Allow-Origin: *\r\n"), HasSubstr("Content-Encoding: gzip\r\n")));
  EXPECT_THAT(client.ask("OPTIONS /queue HTTP/1.1\r\n\r\n"), HasSubstr("Access-Control-Allow-Methods: POST, GET, DELETE, PUT, OPTIONS, PATCH\r\n"));
  EXPECT_THAT(client.ask("PUT /queue HTTP/1.1\r\n\r\n"), Not(HasSubstr("Access-Control")));
}

TEST_F(ServerTest, FilesWholeInPiecesAndUnchanged) {
  start();
  RawClient client(port);
  const std::string whole = client.ask("GET /file HTTP/1.1\r\n\r\n");
  EXPECT_THAT(whole.substr(0, 200), AllOf(HasSubstr("Content-Type: image/png\r\n"), HasSubstr("ETag: ")));
  EXPECT_TRUE(body_of(whole) == file);
  const auto tag_at = whole.find("ETag: ") + 6;
  const std::string tag = whole.substr(tag_at, whole.find("\r\n", tag_at) - tag_at);
  EXPECT_THAT(client.ask("GET /file HTTP/1.1\r\nIf-None-Match: " + tag + "\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 304 "), Not(HasSubstr("Content-Length"))));
  const std::string part = client.ask("GET /file HTTP/1.1\r\nRange: bytes=1000000-1000009\r\n\r\n");
  EXPECT_THAT(part, AllOf(StartsWith("HTTP/1.1 206 "), HasSubstr("Content-Range: bytes 1000000-1000009/1500000\r\n")));
  EXPECT_EQ(body_of(part), file.substr(1'000'000, 10));
  EXPECT_THAT(client.ask("GET /file HTTP/1.1\r\nRange: bytes=1500000-\r\n\r\n"), StartsWith("HTTP/1.1 416 "));
  client.send("HEAD /file HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.rest(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 1500000\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(ServerTest, TellsWhenAReplyIsWritten) {
  start();
  RawClient client(port);
  EXPECT_THAT(client.ask("GET /after HTTP/1.1\r\n\r\n"), EndsWith("x"));
  EXPECT_TRUE(after.get_future().get());
}

TEST_F(ServerTest, APortThatIsTakenIsSaidInOneLine) {
  start();
  Options second = options;
  second.port = port;
  Server other(io, second, router, pool, *sockets);
  try {
    other.listen();
    FAIL();
  } catch (const Unavailable& error) {
    EXPECT_THAT(error.what(), HasSubstr("is taken"));
  }
}

}  // namespace
}  // namespace darkroom
