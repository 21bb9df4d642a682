#include "gateway/pack_exchange.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <limits>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/pack_request.hpp"
#include "gateway/pack_tunnel.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kPiece = 64u << 10;  ///< bytes that are read at a time
constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();

}  // namespace

/// The connection, and the watch over it while somebody waits.
struct PackExchange::Line {
  using Socket = asio::local::stream_protocol::socket;
  Line(const asio::any_io_executor& io, int fd) : socket(io, asio::local::stream_protocol(), fd), tick(io) {}

  Socket socket;
  asio::steady_timer tick;
  const Peer* client = nullptr;
  std::int64_t deadline = kNoDeadline;  ///< steady_ms()
  bool too_late = false, client_gone = false, ended = false;

  void close() {
    boost::system::error_code ignored;
    socket.close(ignored);
  }
  void end() {
    ended = true;
    client = nullptr;
    tick.cancel();
    close();
  }

  static asio::awaitable<void> watch(std::shared_ptr<Line> line, std::int64_t every) {
    while (!line->ended) {
      line->tick.expires_after(std::chrono::milliseconds(every));
      boost::system::error_code ignored;
      co_await line->tick.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      if (line->ended) break;
      line->too_late |= steady_ms() > line->deadline;
      line->client_gone |= line->client && line->client->is_gone();
      if (line->too_late || line->client_gone) line->close();
    }
  }
};

PackExchange::PackExchange(asio::any_io_executor io, int fd, const PackTimes& times, std::shared_ptr<void> slot)
    : line_(std::make_shared<Line>(io, fd)), times_(times), slot_(std::move(slot)) {
  asio::co_spawn(io, Line::watch(line_, times_.look), asio::detached);
}

PackExchange::~PackExchange() { line_->end(); }

asio::awaitable<bool> PackExchange::write(std::string_view bytes) {
  line_->deadline = steady_ms() + times_.first_byte;
  boost::system::error_code fault;
  co_await asio::async_write(line_->socket, asio::buffer(bytes.data(), bytes.size()), asio::redirect_error(asio::use_awaitable, fault));
  co_return !fault;
}

/// More of the reply. False at the end of the connection.
asio::awaitable<bool> PackExchange::receive() {
  const std::size_t before = input_.size();
  input_.resize(before + kPiece);
  boost::system::error_code fault;
  const std::size_t got = co_await line_->socket.async_read_some(asio::buffer(input_.data() + before, kPiece),
                                                                 asio::redirect_error(asio::use_awaitable, fault));
  input_.resize(before + (fault ? 0 : got));
  co_return !fault;
}

/// Parses of the input what it can. False when it is no HTTP.
bool PackExchange::take() {
  while (!input_.empty() && !parser_->is_done()) {
    ReplyParser::Fault fault{};
    const bool in_head = !parser_->is_header_done();
    const std::size_t used = parser_->put(input_, body_, fault);
    input_.erase(0, used);
    // What waits for more is a head, or the line of a chunk: bodies are taken as they come.
    const bool waits = fault == ReplyParser::Fault::kNeedsMore;
    if (fault == ReplyParser::Fault::kMalformed || (waits && input_.size() > kMaxReplyHeadBytes)) return false;
    if (waits || used == 0 || (in_head && parser_->is_header_done())) break;
  }
  return true;
}

/// All of it, or until the reply begins or the other side is gone.
asio::awaitable<void> PackExchange::send_request(Request& request) {
  const Framing framing = framing_of(request);
  std::string out = pack_request_head(request, request.peer ? request.peer->address() : "", request.peer && request.peer->is_tls());
  for (bool more = framing != Framing::kNone;;) {
    const bool written = co_await write(out);
    pollfd reply{line_->socket.native_handle(), POLLIN, 0};
    if (!written || !more || ::poll(&reply, 1, 0) > 0) co_return;
    line_->deadline = kNoDeadline;  // the client's own time counts now
    const std::string_view piece = co_await request.stream->read();
    more = !piece.empty();
    if (framing == Framing::kChunked) out = more ? fmt::format("{:x}\r\n{}\r\n", piece.size(), piece) : "0\r\n\r\n";
    else if (more) out = piece;
    else co_return;
  }
}

asio::awaitable<Response> PackExchange::answer(Request& request) {
  parser_ = std::make_unique<ReplyParser>(request.method == "HEAD");
  line_->client = request.peer;
  co_await send_request(request);
  line_->deadline = steady_ms() + times_.first_byte;
  bool sound = true, open = true;
  while (sound && open && !parser_->is_header_done()) {
    open = co_await receive();
    sound = take();
  }
  line_->deadline = kNoDeadline;
  if (!parser_->is_header_done() || !sound) {
    if (line_->too_late) co_return Response::error(504, "timeout", "The route of a node pack took too long to answer.");
    if (!line_->client_gone)
      log::warn("{} {}: {}", request.method, request.path,
                sound ? "the worker with its pack is gone" : "its reply is no HTTP, or its head too long");
    co_return Response::error(
        502, "bad_gateway",
        sound ? "The worker that served this route of a node pack is gone." : "The reply of this route of a node pack can't be read.");
  }
  Response response;
  response.status = parser_->status();
  response.headers = client_headers(parser_->headers());
  if (response.status == 101) {
    response.tunnel = std::make_shared<PackTunnel>(std::move(line_->socket), std::move(input_), slot_);
  } else {
    response.stream = shared_from_this();
    response.stream_length = parser_->content_length();
  }
  co_return response;
}

asio::awaitable<std::string_view> PackExchange::read() {
  body_.clear();
  bool sound = take(), open = true;
  while (sound && open && body_.empty() && !parser_->is_done()) {
    open = co_await receive();
    sound = open ? take() : parser_->put_end();
  }
  if (!sound) {
    if (!line_->client_gone)
      log::warn("a reply of a node pack's route is cut off: {}", open ? "it is no HTTP" : "the worker or its handler is gone");
    throw Unavailable("the reply ends too early");
  }
  co_return body_;
}

}  // namespace darkroom
