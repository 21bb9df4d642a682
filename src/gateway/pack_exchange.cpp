#include "gateway/pack_exchange.hpp"

#include <fmt/format.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <limits>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/pack_tunnel.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kPiece = 64u << 10;  ///< bytes that are read at a time
constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();

/// A head that another one follows (RFC 9110 §15.2). It is the gateway's own business and no client's.
bool is_interim(int status) { return status >= 100 && status < 200 && status != 101; }

}  // namespace

/// The connection, and the watch over it.
struct PackExchange::Line {
  using Socket = asio::local::stream_protocol::socket;
  Line(const asio::any_io_executor& io, int fd, WorkerThere there)
      : socket(io, asio::local::stream_protocol(), fd), tick(io), worker_there(std::move(there)) {}

  Socket socket;
  asio::steady_timer tick;
  const WorkerThere worker_there;
  Peer* client = nullptr;
  std::int64_t deadline = kNoDeadline;  ///< steady_ms()
  bool answered = false;                ///< the head of the reply is there: nothing has a deadline any more
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
      // The end of the connection, whoever else may have the other end; what the worker still said can be read.
      else if (!line->worker_there()) line->socket.shutdown(Socket::shutdown_both, ignored);
    }
  }
};

/// The body of the request on its way, by a coroutine of its own.
struct PackExchange::Upload {
  explicit Upload(const asio::any_io_executor& io) : over(io, asio::steady_timer::time_point::max()) {}

  asio::cancellation_signal stop;
  asio::steady_timer over;  ///< cancelled when it ends
  bool under_way = false, complete = true;
  std::exception_ptr fault;  ///< of reading it
};

PackExchange::PackExchange(asio::any_io_executor io, int fd, WorkerThere worker_there, const PackTimes& times, std::shared_ptr<void> slot)
    : line_(std::make_shared<Line>(io, fd, std::move(worker_there))),
      upload_(std::make_unique<Upload>(io)),
      times_(times),
      slot_(std::move(slot)) {
  asio::co_spawn(io, Line::watch(line_, times_.look), asio::detached);
}

PackExchange::~PackExchange() { line_->end(); }

asio::awaitable<bool> PackExchange::write(std::string_view bytes) {
  line_->deadline = line_->answered ? kNoDeadline : steady_ms() + times_.first_byte;
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

/// All of it. False when the other side takes no more.
asio::awaitable<bool> PackExchange::pass_body(BodyReader& body, Framing framing) {
  std::string out;
  for (bool more = true; more;) {
    line_->deadline = kNoDeadline;  // the client's own time counts now
    const std::string_view piece = co_await body.read();
    more = !piece.empty();
    if (framing == Framing::kChunked) out = more ? fmt::format("{:x}\r\n{}\r\n", piece.size(), piece) : "0\r\n\r\n";
    else out = piece;
    const bool written = co_await write(out);
    if (!written) co_return false;
  }
  co_return true;
}

asio::awaitable<void> PackExchange::send_body(BodyReader& body, Framing framing) {
  try {
    upload_->complete = co_await pass_body(body, framing);
  } catch (...) {
    // The pack would take a part for the whole.
    upload_->fault = std::current_exception();
    line_->close();
  }
  upload_->under_way = false;
  upload_->over.cancel();
}

asio::awaitable<void> PackExchange::finish() {
  upload_->stop.emit(asio::cancellation_type::terminal);
  while (upload_->under_way) {
    boost::system::error_code ignored;
    co_await upload_->over.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

/// The head of the final reply.
asio::awaitable<PackExchange::Head> PackExchange::receive_head(bool to_head) {
  parser_ = std::make_unique<ReplyParser>(to_head);
  for (;;) {
    if (!take()) co_return Head::kMalformed;
    if (parser_->is_header_done()) {
      if (!is_interim(parser_->status())) co_return Head::kThere;
      parser_ = std::make_unique<ReplyParser>(to_head);
      continue;
    }
    const bool open = co_await receive();
    if (!open) co_return Head::kMissing;
  }
}

Response PackExchange::refusal(const Request& request, const char* why, const char* told) const {
  if (line_->too_late) return Response::error(504, "timeout", "The route of a node pack took too long to answer.");
  if (!line_->client_gone) log::warn("{} {}: {}", request.method, request.path, why);
  return Response::error(502, "bad_gateway", told);
}

asio::awaitable<Response> PackExchange::answer(Request& request) {
  const Framing framing = framing_of(request);
  line_->client = request.peer;
  const std::string out = pack_request_head(request, request.peer ? request.peer->address() : "", request.peer && request.peer->is_tls());
  const bool begun = co_await write(out);
  if (begun && framing != Framing::kNone) {
    upload_->under_way = true;
    upload_->complete = false;
    // The signal outlives the coroutine: what is called at its end keeps this object.
    asio::co_spawn(line_->socket.get_executor(), send_body(*request.stream, framing),
                   asio::bind_cancellation_slot(upload_->stop.slot(), [self = shared_from_this()](const std::exception_ptr&) {}));
  }
  const Head head = co_await receive_head(request.method == "HEAD");
  line_->answered = true;
  line_->deadline = kNoDeadline;
  const bool switches = head == Head::kThere && parser_->status() == 101;
  const std::exception_ptr fault = upload_->fault;
  if (head != Head::kThere || switches) co_await finish();
  if (head == Head::kMalformed)
    co_return refusal(request, "its reply is no HTTP, or its head too long", "The reply of this route of a node pack can't be read.");
  if (head == Head::kMissing) {
    if (fault) std::rethrow_exception(fault);
    co_return refusal(request, "the worker with its pack is gone, or its handler ended without a reply",
                      "The worker that served this route of a node pack is gone.");
  }
  if (switches && !(asks_for_websocket(request) && upload_->complete))
    co_return refusal(request, "its reply is for a WebSocket, and nobody asked for one",
                      "The reply of this route of a node pack can't be read.");
  Response response;
  response.status = parser_->status();
  response.headers = client_headers(parser_->headers());
  if (switches) {
    response.tunnel = std::make_shared<PackTunnel>(std::move(line_->socket), std::move(input_), line_->worker_there, times_.look, slot_);
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
    if (!line_->client_gone && !upload_->fault)
      log::warn("a reply of a node pack's route is cut off: {}", open ? "it is no HTTP" : "the worker or its handler is gone");
    throw Unavailable("the reply ends too early");
  }
  co_return body_;
}

}  // namespace darkroom
