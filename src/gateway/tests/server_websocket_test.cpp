// WebSockets of the server: handshake, first messages, breaches, slow clients.

#include "gateway/tests/server_fixture.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

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
      ASSERT_NE(hub.find("local", "me"), nullptr);
      EXPECT_TRUE(hub.find("local", "me")->supports_preview_metadata());
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
  on_io([&] { hub.send("local", "me", Frame::text("one")); });
  EXPECT_EQ(newer.read(5), short_frame("one"));
  older.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  on_io([&] {
    EXPECT_EQ(hub.size(), 1u);
    hub.send("local", "me", Frame::text("two"));
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
    EXPECT_EQ(hub.find("local", "slow"), nullptr) << "over its hard limit: told 1013 and dropped after a second";
    EXPECT_NE(hub.find("local", "quick"), nullptr);
  });
}

}  // namespace
}  // namespace darkroom
