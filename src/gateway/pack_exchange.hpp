#pragma once
// One request to a route of a pack, over a connection of its own, and its reply as it comes.
// Lives on the io thread. Destroyed before its end it closes the connection, which cancels the pack's handler.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/http.hpp"
#include "gateway/pack_times.hpp"
#include "gateway/reply_parser.hpp"

namespace darkroom {

class PackExchange final : public BodyReader, public std::enable_shared_from_this<PackExchange> {
 public:
  /// `fd`: a connected socket to the pack's application; becomes the exchange's. `slot` is held as long as the exchange lasts.
  PackExchange(asio::any_io_executor io, int fd, const PackTimes& times, std::shared_ptr<void> slot);
  ~PackExchange() override;

  /// Passes the request on, body and all, and gives the reply as soon as its head is there; the body comes by this object.
  /// 502 when the worker goes away, 504 when the handler takes too long. Throws what reading the request's body throws.
  asio::awaitable<Response> answer(Request& request);

  asio::awaitable<std::string_view> read() override;  // BodyReader, of the reply

 private:
  struct Line;
  asio::awaitable<void> send_request(Request& request);
  asio::awaitable<bool> write(std::string_view bytes);
  asio::awaitable<bool> receive();
  bool take();

  const std::shared_ptr<Line> line_;  ///< shared with whoever watches over it
  const PackTimes times_;
  const std::shared_ptr<void> slot_;
  std::unique_ptr<ReplyParser> parser_;
  std::string input_;  ///< received, not parsed yet
  std::string body_;   ///< the piece that was read last
};

}  // namespace darkroom
