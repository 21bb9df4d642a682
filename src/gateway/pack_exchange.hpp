#pragma once
// One request to a route of a pack, over a connection of its own, and its reply as it comes.
// Lives on the io thread, and as long as its worker: what that leaves behind may keep the connection open. Destroyed before its end it
// closes the connection; the pack's handler runs on, as in ComfyUI.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/http.hpp"
#include "gateway/pack_request.hpp"
#include "gateway/pack_times.hpp"
#include "gateway/reply_parser.hpp"

namespace darkroom {

/// Does the worker that has the other end still live?
using WorkerThere = std::function<bool()>;

class PackExchange final : public BodyReader, public std::enable_shared_from_this<PackExchange> {
 public:
  /// `fd`: a connected socket to the pack's application; becomes the exchange's. `slot` is held as long as the exchange lasts, or its
  /// tunnel.
  PackExchange(asio::any_io_executor io, int fd, WorkerThere worker_there, const PackTimes& times, std::shared_ptr<void> slot);
  ~PackExchange() override;

  /// Passes the request on, body and all, and gives the reply as soon as its head is there; its body comes by this object, while what is
  /// left of the request's still goes the other way: `request` and its reader are used until finish().
  /// 502 when the worker goes away, 504 when the handler takes too long. Throws what reading the request's body throws.
  asio::awaitable<Response> answer(Request& request);

  asio::awaitable<std::string_view> read() override;  // BodyReader, of the reply
  asio::awaitable<void> finish() override;            // BodyReader: the request's body is read no further

 private:
  struct Line;
  struct Upload;
  asio::awaitable<void> send_body(BodyReader& body, Framing framing);
  asio::awaitable<bool> pass_body(BodyReader& body, Framing framing);
  asio::awaitable<bool> write(std::string_view bytes);
  asio::awaitable<bool> receive();
  enum class Head { kThere, kMalformed, kMissing };
  asio::awaitable<Head> receive_head(bool to_head);
  Response refusal(const Request& request, const char* why, const char* told) const;
  bool take();

  const std::shared_ptr<Line> line_;  ///< shared with whoever watches over it
  const std::unique_ptr<Upload> upload_;
  const PackTimes times_;
  const std::shared_ptr<void> slot_;
  std::unique_ptr<ReplyParser> parser_;
  std::string input_;  ///< received, not parsed yet
  std::string body_;   ///< the piece that was read last
};

}  // namespace darkroom
