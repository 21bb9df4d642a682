#pragma once
// A WebSocket of a pack: bytes between its client and the pack's application, until either ends it or the worker is gone.
// Lives on the io thread, as long as one of its three coroutines runs.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/http.hpp"
#include "gateway/stream.hpp"

namespace darkroom {

class PackTunnel final : public Tunnel, public std::enable_shared_from_this<PackTunnel> {
 public:
  using Socket = asio::local::stream_protocol::socket;
  /// `first`: what the pack said after the head of its reply. `worker_there` is asked every `look` ms. `slot` is held as long as the tunnel
  /// lasts.
  PackTunnel(Socket pack, std::string first, std::function<bool()> worker_there, std::int64_t look, std::shared_ptr<void> slot);

  asio::awaitable<void> run(Stream client, std::string rest) override;

 private:
  static asio::awaitable<void> to_client(std::shared_ptr<PackTunnel> self);
  static asio::awaitable<void> watch(std::shared_ptr<PackTunnel> self);
  asio::awaitable<void> to_pack(std::string bytes);
  void close();

  Socket pack_;
  std::string first_;
  const std::function<bool()> worker_there_;
  const std::int64_t look_;
  asio::steady_timer tick_;
  bool closed_ = false;
  const std::shared_ptr<void> slot_;
  std::optional<Stream> client_;
};

}  // namespace darkroom
