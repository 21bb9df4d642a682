#pragma once
// One WebSocket client (protocol.md §4). Owned by its coroutine; lives on the io thread.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/hub.hpp"
#include "gateway/send_queue.hpp"
#include "gateway/stream.hpp"
#include "gateway/websocket_frames.hpp"

namespace darkroom {

class WebSocketSession;

/// Limit: time from a close frame to the end of the connection, ms. Beyond: the connection is dropped. Fixed: a dead client answers
/// nothing. Edge: ServerTest.ASlowClientIsDroppedAndTheOthersGetEverything.
constexpr std::int64_t kCloseTimeMs = 1'000;

/// When a host's sockets are pinged, and for how long they may be silent.
struct Heartbeat {
  std::chrono::milliseconds ping{0};      ///< 0: never, and no silence is too long
  std::chrono::milliseconds silence{0};
};

/// What all WebSocket sessions of one path share.
class WebSocketHost {
 public:
  WebSocketHost(asio::io_context& io, Hub& hub, HubLimits limits);

  std::function<void(HubSession&)> greet;  ///< sends the first messages of a new socket
  Frame feature_flags;                     ///< the answer to a client's feature_flags
  /// JSON objects that clients send; without it only feature_flags are heard.
  std::function<void(HubSession&, const json::object&)> heard;
  Heartbeat heartbeat;

  /// Serves an upgraded connection to its end. `rest`: bytes that came with the handshake.
  static asio::awaitable<void> serve(std::shared_ptr<WebSocketSession> session, std::string rest);

  Hub& hub() { return hub_; }
  const HubLimits& limits() const { return limits_; }
  asio::io_context& io() { return io_; }

 private:
  friend class WebSocketSession;
  void mark_dirty(WebSocketSession& session);
  void flush();

  asio::io_context& io_;
  Hub& hub_;
  HubLimits limits_;
  std::vector<std::shared_ptr<WebSocketSession>> dirty_;  ///< have something to send; written together when the event loop comes round
  std::vector<char> scratch_;             ///< received bytes of whoever is read at the moment: idle sessions own no buffer
};

class WebSocketSession final : public HubSession, public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(Stream stream, WebSocketHost& host, std::string client_id, Handshake handshake = {});

  void send(const Frame& frame) override;
  const std::string& client_id() const override { return client_id_; }
  bool supports_preview_metadata() const override { return preview_metadata_; }
  void close(std::uint16_t code) override;
  void finish(std::uint16_t code) override;
  const Handshake& handshake() const override { return handshake_; }

 private:
  friend class WebSocketHost;
  asio::awaitable<void> run(std::string rest);
  void received(std::string_view bytes);
  void handle(const Incoming& incoming);
  void wait_then_drop();
  void wait_then_ping();
  void push_control(Opcode opcode, std::string payload);
  void flush();
  void flush_tls();
  void written(std::size_t bytes);

  Stream stream_;
  WebSocketHost& host_;
  std::string client_id_;
  Handshake handshake_;
  SendQueue queue_;
  FrameReader reader_;
  std::unique_ptr<asio::steady_timer> drop_timer_, ping_timer_;
  std::chrono::steady_clock::time_point last_heard_ = std::chrono::steady_clock::now();
  std::size_t sent_of_front_ = 0;  ///< bytes of the first queued frame, header included, that are on the wire
  bool preview_metadata_ = false;
  bool flags_done_ = false;        ///< the first message that parsed to an object has come
  bool dirty_ = false;
  bool waiting_ = false;           ///< for the socket to take more
  bool closing_ = false;           ///< a close frame is queued: nothing else is sent any more
  bool broken_ = false;
};

}  // namespace darkroom
