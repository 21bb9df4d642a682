// The server itself, in process: real sockets, requests that no decent client would send, and WebSockets.

#include "gateway/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "base/error.hpp"
#include "gateway/features.hpp"
#include "gateway/http.hpp"
#include "gateway/hub.hpp"
#include "gateway/options.hpp"
#include "gateway/pool.hpp"
#include "gateway/tests/raw_client.hpp"
#include "gateway/websocket.hpp"

namespace darkroom {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::size_t kFileBytes = 1'500'000;  // more than a socket takes at once, several pieces of a file

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    options.port = 0;
    options.max_upload_mb = 1;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "data.bin", std::ios::binary) << file;
  }
  ~ServerTest() override {
    if (thread.joinable()) {
      asio::post(io, [this] { io.stop(); });
      thread.join();
    }
    pool.stop();
    std::filesystem::remove_all(folder);
  }

  void start() {
    add_routes();
    sockets.greet = [](HubSession& session) { session.send(Frame::text("hello " + session.client_id())); };
    sockets.feature_flags = Frame::message("feature_flags", features(options));
    server.listen();
    server.start();
    port = server.port();
    thread = std::thread([this] { io.run(); });
  }

  void add_routes() {
    router.add("GET", "/queue", [](Request&) -> asio::awaitable<Response> { co_return Response::of_json(json::object{{"n", 1}}); });
    router.add("POST", "/echo", [](Request& request) -> asio::awaitable<Response> { co_return Response::text(200, request.body); });
    router.add("POST", "/stream", [](Request& request) -> asio::awaitable<Response> {
      std::size_t total = 0;
      for (;;) {
        const std::string_view piece = co_await request.stream->read();
        if (piece.empty()) break;
        total += piece.size();
      }
      co_return Response::text(200, std::to_string(total));
    }, {.streams_body = true});
    router.add("POST", "/unread", [](Request&) -> asio::awaitable<Response> { co_return Response::empty(); }, {.streams_body = true});
    router.add("GET", "/fault/{kind}", [](Request& request) -> asio::awaitable<Response> {
      if (request.param("kind") == "missing") throw NotFound("there is no such thing");
      throw std::runtime_error("inner secret");
    });
    router.add("GET", "/file", [this](Request&) -> asio::awaitable<Response> { co_return Response::of_file((folder / "data.bin").string(), "image/png"); });
    router.add("GET", "/after", [this](Request&) -> asio::awaitable<Response> {
      Response response = Response::text(200, "x");
      response.after_write = [this](bool written) { after.set_value(written); };
      co_return response;
    });
    router.add("GET", "/ws", [](Request&) -> asio::awaitable<Response> { co_return Response::text(400, "no"); }, {.websocket = true});
    router.set_fallback([this](Request& request) -> asio::awaitable<Response> { co_return Response::of_file(folder.string() + request.path); });
  }

  /// Runs on the io thread and waits for it.
  template <class Work>
  void on_io(Work work) {
    std::promise<void> done;
    asio::post(io, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("darkroom-server-test-" + std::to_string(::getpid()));
  const std::string file = [] {
    std::string bytes(kFileBytes, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
    return bytes;
  }();
  Options options;
  BlockingPool pool{2};
  asio::io_context io{1};
  Hub hub;
  WebSocketHost sockets{io, hub, {.soft_bytes = 64 << 10, .hard_bytes = 4 << 20}};
  Router router;
  Server server{io, options, router, pool, sockets, {.keep_alive_idle = 600, .header = 300, .body_idle = 300, .write_idle = 60'000, .linger = 1'000}};
  std::thread thread;
  std::uint16_t port = 0;
  std::promise<bool> after;
};

std::string body_of(const std::string& reply) { return reply.substr(reply.find("\r\n\r\n") + 4); }

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

TEST_F(ServerTest, OversizedHeadersAreRefused) {
  start();
  RawClient client(port);
  client.send("GET /queue HTTP/1.1\r\nX: " + std::string(200'000, 'a') + "\r\n\r\n");
  EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 431 "));
  std::string many = "GET /queue HTTP/1.1\r\n";
  for (int i = 0; i < 1000; ++i) many += "X: 1\r\n";
  RawClient second(port);
  second.send(many + "\r\n");
  EXPECT_THAT(second.rest(), StartsWith("HTTP/1.1 431 "));
  RawClient third(port);
  EXPECT_THAT(third.ask("GET /queue?" + std::string(20'000, 'q') + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200"));
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

TEST_F(ServerTest, SlowClientsAreNotWaitedForLonger) {
  start();
  RawClient silent(port), header(port), body(port);
  header.send("GET /queue HTTP/1.1\r\nHost:");
  body.send("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_THAT(header.rest(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(body.rest(), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(silent.rest(), "") << "one that asks nothing is just closed";
  EXPECT_TRUE(silent.closed());
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

TEST_F(ServerTest, ABodyOverTheLimitGets413) {
  start();
  const std::string too_much(2'000'000, 'c');
  {
    RawClient client(port);
    client.send("POST /echo HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n");
    client.send(too_much);
    EXPECT_THAT(client.rest(), AllOf(StartsWith("HTTP/1.1 413 "), EndsWith("Maximum request body size 1048576 exceeded.")));
  }
  {
    RawClient client(port);
    client.send("POST /stream HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 200; ++i) client.send("2710\r\n" + std::string(10'000, 'c') + "\r\n");
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 413 "));
  }
  {
    RawClient client(port);
    EXPECT_THAT(client.ask("POST /echo HTTP/1.1\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n"), StartsWith("HTTP/1.1 413 "))
        << "refused before it is sent";
  }
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
  Server other(io, second, router, pool, sockets);
  try {
    other.listen();
    FAIL();
  } catch (const Unavailable& error) {
    EXPECT_THAT(error.what(), HasSubstr("is taken"));
  }
}

// ---- WebSocket

constexpr const char* kUpgrade =
    " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// A client's frame, masked with zeros: legal, and its payload stays readable.
std::string client_frame(int first_byte, std::string_view payload) {
  std::string out(1, static_cast<char>(first_byte));
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | static_cast<int>(payload.size()));
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int i = 7; i >= 0; --i) out += static_cast<char>(static_cast<std::uint64_t>(payload.size()) >> (8 * i));
  }
  return out.append(4, '\0').append(payload);
}

std::string short_frame(std::string_view payload, int first_byte = 0x81) {
  return std::string(1, static_cast<char>(first_byte)) + static_cast<char>(payload.size()) + std::string(payload);
}

TEST_F(ServerTest, WebSocketHandshakeAndFirstMessages) {
  start();
  for (const char* path : {"/ws?clientId=me", "/api/ws?clientId=me"}) {
    RawClient client(port);
    const std::string reply = client.ask(std::string("GET ") + path + kUpgrade);
    EXPECT_THAT(reply, AllOf(StartsWith("HTTP/1.1 101 "), HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), Not(HasSubstr("deflate"))));
    EXPECT_EQ(client.read(10), short_frame("hello me"));
    client.send(client_frame(0x89, "are you there"));
    EXPECT_EQ(client.read(15), short_frame("are you there", 0x8a));
    client.send(client_frame(0x81, "no json") + client_frame(0x81, "[1]") + client_frame(0x81, R"({"type":"feature_flags","data":{"supports_preview_metadata":true}})"));
    const std::string flags = client.read_until([](const std::string& text) { return text.ends_with("}}"); });
    EXPECT_THAT(flags, AllOf(HasSubstr("feature_flags"), HasSubstr("1048576")));
    client.send(client_frame(0x81, R"({"type":"feature_flags","data":{}})") + client_frame(0x89, "x"));
    EXPECT_EQ(client.read(3), short_frame("x", 0x8a)) << "only the first object counts";
    on_io([&] {
      ASSERT_NE(hub.find("me"), nullptr);
      EXPECT_TRUE(hub.find("me")->supports_preview_metadata());
    });
    client.send(client_frame(0x88, "\x03\xe8"));
    EXPECT_EQ(client.rest(), short_frame("\x03\xe8", 0x88));
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(ServerTest, WebSocketWithoutAnIdGetsOne) {
  start();
  RawClient client(port);
  client.ask(std::string("GET /ws") + kUpgrade);
  const std::string hello = client.read(2 + 6 + 32);
  EXPECT_THAT(hello.substr(2), testing::MatchesRegex("hello [0-9a-f]{32}"));
}

TEST_F(ServerTest, WebSocketRefusals) {
  start();
  RawClient client(port);
  EXPECT_THAT(client.ask("GET /ws HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(client.ask("POST /ws HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET,HEAD\r\n")));
  EXPECT_THAT(client.ask("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 426 "), HasSubstr("Sec-WebSocket-Version: 13\r\n")));
  RawClient foreign(port);
  EXPECT_THAT(foreign.ask("GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
              StartsWith("HTTP/1.1 403 "));
}

TEST_F(ServerTest, WebSocketBreachesEndWithTheirCode) {
  start();
  const auto close_of = [&](const std::string& bytes) {
    RawClient client(port);
    client.ask(std::string("GET /ws?clientId=a") + kUpgrade);
    client.read(9);
    client.send(bytes);
    const std::string rest = client.rest();
    EXPECT_TRUE(client.closed());
    return rest.size() == 4 && rest[0] == '\x88' ? static_cast<unsigned char>(rest[2]) * 256 + static_cast<unsigned char>(rest[3]) : -1;
  };
  EXPECT_EQ(close_of(client_frame(0x81, std::string((4 << 20) + 1, 'x')).substr(0, 1000)), 1009) << "over 4 MiB";
  EXPECT_EQ(close_of(std::string("\x81\x01x", 3)), 1002) << "not masked";
  EXPECT_EQ(close_of(client_frame(0x81, "\xff")), 1007);
}

TEST_F(ServerTest, TheNewerSocketOfAnIdGetsItsMessages) {
  start();
  auto older = std::make_unique<RawClient>(port);
  older->ask(std::string("GET /ws?clientId=me") + kUpgrade);
  older->read(10);
  RawClient newer(port);
  newer.ask(std::string("GET /ws?clientId=me") + kUpgrade);
  newer.read(10);
  on_io([&] { hub.send("me", Frame::text("one")); });
  EXPECT_EQ(newer.read(5), short_frame("one"));
  older.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  on_io([&] {
    EXPECT_EQ(hub.size(), 1u);
    hub.send("me", Frame::text("two"));
  });
  EXPECT_EQ(newer.read(5), short_frame("two"));
}

TEST_F(ServerTest, ASlowClientIsDroppedAndTheOthersGetEverything) {
  start();
  RawClient slow(port), quick(port);
  slow.ask(std::string("GET /ws?clientId=slow") + kUpgrade);
  quick.ask(std::string("GET /ws?clientId=quick") + kUpgrade);
  quick.read(13);
  const std::string large(100'000, 'm');
  std::thread reader([&] { EXPECT_EQ(quick.read(200 * (large.size() + 10)).size(), 200 * (large.size() + 10)); });
  for (int i = 0; i < 200; ++i) {
    on_io([&] { hub.broadcast(Frame::text(large)); });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  reader.join();
  std::this_thread::sleep_for(std::chrono::milliseconds(1300));
  on_io([&] {
    EXPECT_EQ(hub.find("slow"), nullptr) << "over its hard limit: told 1013 and dropped after a second";
    EXPECT_NE(hub.find("quick"), nullptr);
  });
}

}  // namespace
}  // namespace darkroom
