#pragma once
// A WebSocket of a pack: bytes between its client and the pack's application, until either ends it.
// Lives on the io thread, as long as one of its two coroutines runs.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <optional>
#include <string>

#include "gateway/http.hpp"
#include "gateway/stream.hpp"

namespace darkroom {

class PackTunnel final : public Tunnel, public std::enable_shared_from_this<PackTunnel> {
 public:
  using Socket = asio::local::stream_protocol::socket;
  /// `first`: what the pack said after the head of its reply. `slot` is held as long as the tunnel lasts.
  PackTunnel(Socket pack, std::string first, std::shared_ptr<void> slot);

  asio::awaitable<void> run(Stream client, std::string rest) override;

 private:
  static asio::awaitable<void> to_client(std::shared_ptr<PackTunnel> self);
  asio::awaitable<void> to_pack(std::string bytes);
  void close();

  Socket pack_;
  std::string first_;
  const std::shared_ptr<void> slot_;
  std::optional<Stream> client_;
};

}  // namespace darkroom
