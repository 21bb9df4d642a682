#pragma once
// The server in process, on a port of its own, with a few routes: what tests of connections talk to.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/features.hpp"
#include "gateway/http.hpp"
#include "gateway/hub.hpp"
#include "gateway/options.hpp"
#include "gateway/pool.hpp"
#include "gateway/server.hpp"
#include "gateway/tests/raw_client.hpp"
#include "gateway/websocket.hpp"

namespace darkroom {

inline constexpr std::size_t kFileBytes = 1'500'000;  // more than a socket takes at once, several pieces of a file

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
    sockets.emplace(io, hub, hub_limits);
    sockets->greet = [](HubSession& session) { session.send(Frame::text("hello " + session.client_id())); };
    sockets->feature_flags = Frame::message("feature_flags", features(options));
    server.emplace(io, options, router, pool, *sockets, times);
    server->listen();
    server->start();
    port = server->port();
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
  HubLimits hub_limits{.soft_bytes = 64 << 10, .hard_bytes = 4 << 20};
  std::optional<WebSocketHost> sockets;
  Router router;
  HttpTimes times{.keep_alive_idle = 600, .header = 300, .body_idle = 300, .write_idle = 60'000, .linger = 1'000};
  std::optional<Server> server;
  std::thread thread;
  std::uint16_t port = 0;
  std::promise<bool> after;
};

inline std::string body_of(const std::string& reply) { return reply.substr(reply.find("\r\n\r\n") + 4); }

inline constexpr const char* kUpgrade =
    " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

}  // namespace darkroom
