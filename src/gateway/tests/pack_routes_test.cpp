// Routes of packs behind the real server, with a worker that is a thread of this program and says byte by byte what the test wants.

#include "gateway/pack_routes.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>

#include "gateway/reply_parser.hpp"
#include "gateway/tests/server_fixture.hpp"

namespace darkroom {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// The pack's end of one connection.
class PackSide {
 public:
  explicit PackSide(int fd) : fd_(fd) {}
  ~PackSide() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void say(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// Reads until `text` has `mark`; false at the end of the connection.
  bool hear(std::string_view mark) {
    while (text.find(mark) == std::string::npos) {
      char bytes[65536];
      const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) return false;
      text.append(bytes, static_cast<std::size_t>(got));
    }
    return true;
  }
  std::string text;  ///< all that came

 private:
  int fd_;
};

using Script = std::function<void(PackSide&)>;

class FakeWorker final : public WorkerHandle {
 public:
  explicit FakeWorker(int id) : id_(id) {}
  ~FakeWorker() override {
    for (auto& thread : threads_) thread.join();
  }
  int id() const override { return id_; }
  void send(const Record&) override {}
  void kill(LostReason) override {}
  const json::object& device() const override { return said; }
  const json::object& hello() const override { return said; }
  bool pass_on(int fd) override {
    if (refuses) return false;
    ++passed;
    const int copy = ::dup(fd);
    const int flags = ::fcntl(copy, F_GETFL);
    ::fcntl(copy, F_SETFL, flags & ~O_NONBLOCK);
    threads_.emplace_back([this, copy] {
      PackSide side(copy);
      if (side.hear("\r\n\r\n")) script(side);
    });
    return true;
  }

  Script script = [](PackSide& side) {
    side.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\nServer: other\r\nSet-Cookie: a=1\r\n\r\nhi");
  };
  json::object said{
      {"pack_routes", json::object{{"exact", json::array{"/rt/hello", "/queue", "/data.bin"}}, {"prefixes", json::array{"/rt/x/"}}}}};
  std::atomic<int> passed = 0;
  std::atomic<bool> refuses = false;

 private:
  const int id_;
  std::list<std::thread> threads_;
};

class PackRoutesTest : public ServerTest {
 protected:
  void start_with_packs() {
    packs.emplace(
        io.get_executor(), [this] { return ready ? std::vector<WorkerHandle*>{&worker} : std::vector<WorkerHandle*>{}; }, true, pack_times);
    router.set_others(*packs);
    start();
  }
  ~PackRoutesTest() override {
    // The io thread ends first, and with it what the scripts talk to.
    if (thread.joinable()) {
      asio::post(io, [this] { io.stop(); });
      thread.join();
    }
  }
  std::string get(const std::string& path, const std::string& headers = "") const {
    RawClient client(port);
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    return client.reply();
  }

  FakeWorker worker{3};
  std::atomic<bool> ready = true;
  PackTimes pack_times{.ready = 300, .first_byte = 60'000, .look = 20};
  std::optional<PackRoutes> packs;
};

TEST_F(PackRoutesTest, TheReplyOfAPackIsTheReply) {
  start_with_packs();
  const std::string reply = get("/rt/hello?name=a%20b");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply, HasSubstr("Set-Cookie: a=1\r\n"));
  EXPECT_THAT(reply, HasSubstr("Server: Darkroom\r\n"));
  EXPECT_THAT(reply, Not(HasSubstr("other")));
  EXPECT_THAT(reply, EndsWith("\r\n\r\nhi"));
}

TEST_F(PackRoutesTest, RoutesOfOursWinAndOtherPathsAreNotAskedFor) {
  start_with_packs();
  EXPECT_EQ(body_of(get("/queue")), "{\"n\":1}");
  EXPECT_THAT(get("/nothing"), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(worker.passed, 0);
  EXPECT_EQ(body_of(get("/rt/x/deeper")), "hi");
}

TEST_F(PackRoutesTest, WhereNoPackHasTheRouteTheEditorsFilesFollow) {
  worker.script = [](PackSide& side) { side.say("HTTP/1.1 404 Not Found\r\nDarkroom-Unmatched: 1\r\nContent-Length: 0\r\n\r\n"); };
  start_with_packs();
  EXPECT_EQ(body_of(get("/data.bin")), file);
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(worker.passed, 2);
}

TEST_F(PackRoutesTest, MethodsOfBothAreAllowed) {
  worker.script = [](PackSide& side) {
    side.say("HTTP/1.1 405 Method Not Allowed\r\nDarkroom-Unmatched: 1\r\nAllow: PUT,PATCH\r\nContent-Length: 0\r\n\r\n");
  };
  start_with_packs();
  RawClient client(port);
  client.send("DELETE /queue HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string reply = client.reply();
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(reply, HasSubstr("Allow: GET,HEAD,PATCH,PUT\r\n"));
}

TEST_F(PackRoutesTest, ForeignOriginsAreRefusedAsElsewhere) {
  start_with_packs();
  RawClient client(port);
  client.send("GET /rt/hello HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n\r\n");
  EXPECT_THAT(client.reply(), StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(worker.passed, 0);
}

TEST_F(PackRoutesTest, PiecesArriveAsTheyAreSaid) {
  std::promise<void> first_seen;
  worker.script = [&](PackSide& side) {
    side.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n");
    first_seen.get_future().wait_for(std::chrono::seconds(5));
    side.say("4\r\ntwo\n\r\n0\r\n\r\n");
  };
  start_with_packs();
  RawClient client(port);
  client.send("GET /rt/hello HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto has = [](const char* what) { return [what](const std::string& text) { return text.find(what) != std::string::npos; }; };
  const std::string first = client.read_until(has("one\n"));
  EXPECT_THAT(first, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(first, HasSubstr("4\r\none\n"));
  first_seen.set_value();
  EXPECT_THAT(client.read_until(has("0\r\n\r\n")), EndsWith("4\r\ntwo\n\r\n0\r\n\r\n"));
  client.send("GET /queue HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(client.reply()), "{\"n\":1}") << "the connection goes on";
}

TEST_F(PackRoutesTest, UploadsAreCountedOnTheirWay) {
  const auto count = [](PackSide& side) {
    const bool whole = side.hear("END");
    side.say(whole ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole" : "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ncut");
  };
  worker.script = count;
  start_with_packs();
  const std::string body = std::string(900'000, 'x') + "END";
  RawClient plain(port);
  plain.send("POST /rt/hello HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_EQ(body_of(plain.reply()), "whole");
  RawClient chunked(port);
  chunked.send("POST /rt/hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nEND\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(chunked.reply()), "whole");
  RawClient large(port);
  large.send("POST /rt/hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + std::string(0x200000, 'x'));
  EXPECT_THAT(large.reply(), StartsWith("HTTP/1.1 413"));
}

TEST_F(PackRoutesTest, AReplyMayBeginBeforeItsRequestIsRead) {
  worker.script = [](PackSide& side) {
    side.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n");
    if (side.hear("END")) side.say("4\r\nall\n\r\n0\r\n\r\n");
  };
  start_with_packs();
  RawClient client(port);
  client.send("POST /rt/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 900003\r\n\r\n");
  const auto has = [](const char* what) { return [what](const std::string& text) { return text.find(what) != std::string::npos; }; };
  EXPECT_THAT(client.read_until(has("one\n")), HasSubstr("one\n")) << "with nothing of the body sent yet";
  client.send(std::string(900'000, 'x') + "END");
  EXPECT_THAT(client.read_until(has("0\r\n\r\n")), EndsWith("4\r\nall\n\r\n0\r\n\r\n"));
  client.send("GET /queue HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(client.reply()), "{\"n\":1}") << "the connection goes on";
}

TEST_F(PackRoutesTest, WhatIsLeftOfABodyAfterItsReplyIsReadOver) {
  worker.script = [](PackSide& side) { side.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly"); };
  start_with_packs();
  RawClient client(port);
  client.send("POST /rt/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + std::string(1000, 'x'));
  EXPECT_EQ(body_of(client.reply()), "early");
  client.send(std::string(499'000, 'x') + "GET /queue HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(client.reply()), "{\"n\":1}");
}

TEST_F(PackRoutesTest, ARequestThatBreaksOffCutsTheReplyThatHasBegun) {
  std::atomic<bool> cut = false;
  worker.script = [&](PackSide& side) {
    side.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n");
    cut = !side.hear("END");
  };
  start_with_packs();
  RawClient client(port);
  client.send("POST /rt/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + std::string(1000, 'x'));
  EXPECT_THAT(client.rest(2'000), EndsWith("one\n\r\n")) << "it sends no more: HttpTimes::body_idle";
  EXPECT_TRUE(client.closed());
  for (int i = 0; i < 200 && !cut; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(cut);
}

TEST_F(PackRoutesTest, AWorkerThatIsGoneEndsItsExchangesWhoeverElseHasTheirSockets) {
  std::atomic<int> begun = 0, ended = 0;
  worker.script = [&](PackSide& side) {
    const std::string path = side.text.substr(0, side.text.find(" HTTP"));
    if (path.ends_with("/tunnel")) side.say("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    if (path.ends_with("/begun")) side.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n");
    ++begun;
    side.hear("never");
    ++ended;
  };
  start_with_packs();
  RawClient silent(port), upload(port), half(port), tunnel(port);
  silent.send("GET /rt/x/silent HTTP/1.1\r\nHost: x\r\n\r\n");
  upload.send("POST /rt/x/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nx");
  half.send("GET /rt/x/begun HTTP/1.1\r\nHost: x\r\n\r\n");
  tunnel.send(std::string("GET /rt/x/tunnel") + kUpgrade);
  EXPECT_THAT(half.read_until([](const std::string& text) { return text.find("one\n") != std::string::npos; }), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(tunnel.read_until([](const std::string& text) { return text.ends_with("\r\n\r\n"); }), StartsWith("HTTP/1.1 101"));
  for (int i = 0; i < 200 && begun < 4; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ready = false;
  EXPECT_THAT(silent.reply(), StartsWith("HTTP/1.1 502"));
  EXPECT_THAT(upload.reply(), StartsWith("HTTP/1.1 502"));
  half.rest();
  tunnel.rest();
  EXPECT_TRUE(half.closed() && tunnel.closed());
  for (int i = 0; i < 200 && ended < 4; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(ended, 4);
}

TEST_F(PackRoutesTest, InterimRepliesAreReadOver) {
  std::atomic<bool> final_one = true;
  worker.script = [&](PackSide& side) {
    side.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    if (final_one) side.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  };
  start_with_packs();
  const std::string reply = get("/rt/hello");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply, Not(HasSubstr("Link")));
  EXPECT_THAT(reply, EndsWith("\r\n\r\nhi"));
  final_one = false;
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 502"));
}

TEST_F(PackRoutesTest, OnlyWhoAsksForAWebSocketGetsOne) {
  worker.script = [](PackSide& side) {
    if (side.text.find("Upgrade: websocket") == std::string::npos) side.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
    else side.say("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  };
  start_with_packs();
  EXPECT_THAT(get("/rt/hello", "Upgrade: websocket\r\n"), EndsWith("plain"));
  RawClient old(port);
  old.send("GET /rt/hello HTTP/1.0\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_THAT(old.rest(), EndsWith("plain"));
  RawClient with_body(port);
  with_body.send("GET /rt/hello HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 9\r\n\r\n");
  EXPECT_THAT(with_body.reply(), StartsWith("HTTP/1.1 502"));
  worker.script = [](PackSide& side) { side.say("HTTP/1.1 101 Switching Protocols\r\n\r\n"); };
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 502"));
}

TEST_F(PackRoutesTest, AClientThatSendsNothingMoreGetsItsReply) {
  std::promise<void> go_on;
  worker.script = [&](PackSide& side) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const bool whole = side.text.starts_with("GET") || side.hear("END");
    side.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    if (whole) side.say("4\r\ntwo\n\r\n0\r\n\r\n");
  };
  start_with_packs();
  for (const std::string& request :
       {"GET /rt/hello HTTP/1.1\r\nHost: x\r\n\r\n" + std::string(),
        "POST /rt/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 900003\r\n\r\n" + std::string(900'000, 'x') + "END"}) {
    RawClient client(port);
    client.send(request);
    ::shutdown(client.fd(), SHUT_WR);
    const std::string reply = client.rest();
    EXPECT_THAT(reply, HasSubstr("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(reply, EndsWith("4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n"));
  }
  RawClient old(port);
  old.send("GET /rt/hello HTTP/1.0\r\nHost: x\r\n\r\n");
  ::shutdown(old.fd(), SHUT_WR);
  const std::string reply = old.rest();
  EXPECT_THAT(reply, StartsWith("HTTP/1.0 200 OK\r\n")) << "HTTP/1.0 has no interim heads";
  EXPECT_THAT(reply, EndsWith("one\ntwo\n"));
}

TEST_F(PackRoutesTest, WhatARouteSaysOfOriginsGivesWayToTheFlag) {
  options.enable_cors = true;
  options.cors_origin = "http://mine";
  worker.script = [](PackSide& side) { side.say("HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\nContent-Length: 2\r\n\r\nhi"); };
  start_with_packs();
  const std::string reply = get("/rt/hello", "Origin: http://mine\r\n");
  EXPECT_THAT(reply, HasSubstr("Access-Control-Allow-Origin: http://mine\r\n"));
  EXPECT_THAT(reply, Not(HasSubstr("access-control-allow-origin")));
}

TEST_F(PackRoutesTest, AReplyWhoseHeadIsTooLongIs502) {
  std::atomic<std::size_t> length = 40'000;
  worker.script = [&](PackSide& side) {
    side.say("HTTP/1.1 200 OK\r\nX-Long: " + std::string(length, 'x') + "\r\nContent-Length: 0\r\n\r\n");
  };
  start_with_packs();
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 200"));
  length = kMaxReplyHeadBytes;
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 502 Bad Gateway"));
}

TEST_F(PackRoutesTest, AWorkerThatDiesIs502) {
  worker.script = [](PackSide& side) { side.close(); };
  start_with_packs();
  const std::string reply = get("/rt/hello");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 502 Bad Gateway"));
  EXPECT_THAT(reply, HasSubstr("is gone"));
}

TEST_F(PackRoutesTest, AReplyThatBreaksOffEndsItsConnection) {
  worker.script = [](PackSide& side) { side.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"); };
  start_with_packs();
  RawClient client(port);
  client.send("GET /rt/hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_until([](const std::string&) { return false; }), EndsWith("\r\n\r\nhalf"));
  EXPECT_TRUE(client.closed());
}

TEST_F(PackRoutesTest, AWorkerThatIsNotReadyIsWaitedForForAWhile) {
  start_with_packs();
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 200"));
  ready = false;
  const std::string reply = get("/rt/hello");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(reply, HasSubstr("Retry-After: "));
  EXPECT_THAT(get("/nothing"), StartsWith("HTTP/1.1 404")) << "what it would have is remembered";
  worker.refuses = true;
  ready = true;
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 503"));
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    worker.refuses = false;
  });
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 200"));
  later.join();
}

TEST_F(PackRoutesTest, BeforeTheFirstWorkerIsReadyFilesOfTheEditorGoFirst) {
  ready = false;
  start_with_packs();
  EXPECT_EQ(body_of(get("/data.bin")), file);
  on_io([this] { router.set_fallback([](Request&) -> asio::awaitable<Response> { co_return Response::empty(404); }); });
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 503"));
  ready = true;
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 200"));
}

TEST_F(PackRoutesTest, AWorkerThatTurnsOutToHaveNoRoutesIsNotAsked) {
  ready = false;
  pack_times.ready = 5'000;
  worker.said = {{"pack_routes", nullptr}};
  start_with_packs();
  on_io([this] { router.set_fallback([](Request&) -> asio::awaitable<Response> { co_return Response::empty(404); }); });
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ready = true;
  });
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 404"));
  later.join();
  EXPECT_EQ(worker.passed, 0);
}

TEST_F(PackRoutesTest, AHandlerThatNeverAnswersIs504) {
  pack_times.first_byte = 200;
  std::atomic<bool> closed = false;
  worker.script = [&](PackSide& side) { closed = !side.hear("never"); };
  start_with_packs();
  EXPECT_THAT(get("/rt/hello"), StartsWith("HTTP/1.1 504"));
  for (int i = 0; i < 200 && !closed; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(closed);
}

TEST_F(PackRoutesTest, AClientThatGoesAwayEndsItsExchange) {
  std::atomic<bool> asked = false, closed = false;
  worker.script = [&](PackSide& side) {
    asked = true;
    closed = !side.hear("never");
  };
  start_with_packs();
  const auto soon = [](const std::atomic<bool>& what) {
    for (int i = 0; i < 200 && !what; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return what.load();
  };
  {
    RawClient client(port);
    client.send("GET /rt/hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(soon(asked));
    EXPECT_FALSE(closed);
  }
  EXPECT_TRUE(soon(closed));
}

TEST_F(PackRoutesTest, TooManyAtOnceAreToldToComeAgain) {
  pack_times.at_once = 1;
  std::promise<void> go;
  const auto gone = go.get_future().share();
  worker.script = [&](PackSide& side) {
    gone.wait_for(std::chrono::seconds(5));
    side.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  };
  start_with_packs();
  RawClient first(port);
  first.send("GET /rt/hello HTTP/1.1\r\nHost: x\r\n\r\n");
  for (int i = 0; i < 200 && worker.passed < 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const std::string second = get("/rt/hello");
  EXPECT_THAT(second, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(second, HasSubstr("Retry-After: "));
  go.set_value();
  EXPECT_THAT(first.reply(), EndsWith("hi"));
  EXPECT_THAT(get("/rt/hello"), EndsWith("hi"));
}

TEST_F(PackRoutesTest, HeadAndEmptyRepliesHaveNoBody) {
  worker.script = [](PackSide& side) {
    if (side.text.starts_with("HEAD")) side.say("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    else side.say("HTTP/1.1 204 No Content\r\n\r\n");
  };
  start_with_packs();
  RawClient client(port);
  client.send("HEAD /rt/hello HTTP/1.1\r\nHost: x\r\n\r\nGET /rt/hello HTTP/1.1\r\nHost: x\r\n\r\nGET /queue HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string all = client.read_until([](const std::string& text) { return text.find("{\"n\":1}") != std::string::npos; });
  EXPECT_THAT(all, HasSubstr("Content-Length: 1234\r\n"));
  EXPECT_THAT(all, HasSubstr("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(all, EndsWith("{\"n\":1}"));
}

TEST_F(PackRoutesTest, AWebSocketBecomesATunnel) {
  worker.script = [](PackSide& side) {
    side.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: abc\r\n\r\nfirst");
    if (side.hear("ping")) side.say("pong");
  };
  start_with_packs();
  RawClient client(port);
  client.send(std::string("GET /rt/hello") + kUpgrade);
  const auto has = [](const char* what) { return [what](const std::string& text) { return text.find(what) != std::string::npos; }; };
  const std::string head = client.read_until(has("first"));
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Accept: abc\r\n"));
  client.send("ping");
  EXPECT_THAT(client.read_until(has("pong")), EndsWith("pong"));
  client.read_until([](const std::string&) { return false; });
  EXPECT_TRUE(client.closed());
}

}  // namespace
}  // namespace darkroom
