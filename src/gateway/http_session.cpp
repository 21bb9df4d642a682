#include "gateway/http_session.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/file_response.hpp"
#include "gateway/options.hpp"
#include "gateway/pool.hpp"
#include "gateway/response_head.hpp"
#include "storage/folders.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kSmallInput = 4u << 10;   ///< enough for nearly every request
constexpr std::size_t kLargeInput = 64u << 10;  ///< for bodies
constexpr std::size_t kInlineGzip = 64u << 10;  ///< longer texts are compressed on the pool

/// A request whose body can't be read to its end.
struct BadBody : std::exception {};
struct ConnectionLost : std::exception {};

bool has_token(std::string_view list, std::string_view lower_token) {
  for (const auto& item : split(list, ','))
    if (lower(trim(item)) == lower_token) return true;
  return false;
}

/// Sec-WebSocket-Accept of RFC 6455 §4.2.2.
std::string accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 32> out;
  const int length = EVP_EncodeBlock(out.data(), digest.data(), digest.size());
  return {reinterpret_cast<const char*>(out.data()), static_cast<std::size_t>(length)};
}

std::string_view body_of(const Response& response) { return response.shared_body ? *response.shared_body : response.body; }

constexpr const char* kCsp =
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; frame-src 'self'; object-src 'self';";

/// Tells the route that its reply is out, or can't be any more: exactly once, whatever happens on the way.
class AfterWrite {
 public:
  explicit AfterWrite(Response& response) : call_(std::move(response.after_write)) {}
  AfterWrite(const AfterWrite&) = delete;
  AfterWrite& operator=(const AfterWrite&) = delete;
  ~AfterWrite() { tell(false); }
  void tell(bool written) {
    if (!call_) return;
    const auto call = std::exchange(call_, nullptr);
    call(written);
  }

 private:
  std::function<void(bool)> call_;
};

}  // namespace

void Deadlines::sweep(std::int64_t now) {
  std::vector<Entry*> late;
  for (auto* entry : entries_)
    if (entry->deadline <= now) late.push_back(entry);
  for (auto* entry : late)
    if (entries_.contains(entry)) entry->expire();
}

HttpSession::HttpSession(Stream stream, std::shared_ptr<HttpContext> context)
    : stream_(std::move(stream)), keep_context_(std::move(context)), context_(*keep_context_) {
  input_.resize(kSmallInput);
  context_.deadlines.add(*this);
}

HttpSession::~HttpSession() { context_.deadlines.remove(*this); }

void HttpSession::expire() {
  deadline = std::numeric_limits<std::int64_t>::max();
  expired_ = true;
  // Only the reading is ended, so that a reply can still say why.
  boost::system::error_code ignored;
  stream_.socket().cancel(ignored);
}

void HttpSession::close_if_idle() {
  if (idle_) stream_.close();
}

asio::awaitable<std::size_t> HttpSession::receive() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == input_.size() && begin_ > 0) {
    std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == input_.size()) input_.resize(std::min(input_.size() * 4, kMaxHeaderBytes + kSmallInput));
  boost::system::error_code fault;
  const std::size_t got =
      co_await stream_.async_read_some(asio::buffer(input_.data() + end_, input_.size() - end_), asio::redirect_error(asio::use_awaitable, fault));
  if (fault) co_return 0;
  end_ += got;
  co_return got;
}

asio::awaitable<HttpSession::Head> HttpSession::read_head() {
  parser_.emplace(request_);
  deadline = steady_ms() + (begin_ == end_ ? kKeepAliveIdleMs : kHeaderTimeMs);
  idle_ = begin_ == end_;
  for (;;) {
    // Line ends before a request are left over from a body of a careless client (RFC 9112 §2.2).
    if (!parser_->got_some())
      while (begin_ < end_ && (input_[begin_] == '\r' || input_[begin_] == '\n')) ++begin_;
    if (begin_ < end_) {
      boost::beast::error_code fault;
      begin_ += parser_->put(asio::const_buffer(input_.data() + begin_, end_ - begin_), fault);
      if (fault == boost::beast::http::error::header_limit) co_return Head::kTooLong;
      if (fault && fault != boost::beast::http::error::need_more) co_return Head::kMalformed;
      if (parser_->is_header_done()) co_return Head::kComplete;
      if (end_ - begin_ > kMaxHeaderBytes) co_return Head::kTooLong;
    }
    const bool started = begin_ < end_;
    const std::size_t got = co_await receive();
    if (got == 0) co_return expired_ && started ? Head::kTimedOut : Head::kClosed;
    if (idle_) {
      idle_ = false;
      deadline = steady_ms() + kHeaderTimeMs;
    }
  }
}

asio::awaitable<void> HttpSession::read_piece(std::string& out) {
  parser_->set_body_sink(out, body_limit_);
  if (parser_->content_length() && *parser_->content_length() > body_limit_) throw BodyTooLarge(body_limit_);
  if (continue_due_) {
    continue_due_ = false;
    const bool written = co_await write("HTTP/1.1 100 Continue\r\n\r\n", {});
    if (!written) throw ConnectionLost();
  }
  const std::size_t before = out.size();
  while (out.size() == before && !parser_->is_done()) {
    if (begin_ < end_) {
      boost::beast::error_code fault;
      const std::size_t used = parser_->put(asio::const_buffer(input_.data() + begin_, end_ - begin_), fault);
      begin_ += used;
      if (parser_->too_large()) throw BodyTooLarge(body_limit_);
      if (fault && fault != boost::beast::http::error::need_more) throw BadBody();
      if (!fault && (used > 0 || parser_->is_done())) continue;
      if (end_ - begin_ >= kMaxHeaderBytes) throw BadBody();  // a chunk header or trailer without an end
    }
    if (input_.size() < kLargeInput) input_.resize(kLargeInput);
    deadline = steady_ms() + kBodyIdleMs;
    const std::size_t got = co_await receive();
    if (got == 0) throw ConnectionLost();
  }
}

asio::awaitable<std::string_view> HttpSession::read() {
  piece_.clear();
  if (!parser_->is_done()) co_await read_piece(piece_);
  co_return piece_;
}

asio::awaitable<void> HttpSession::read_body() {
  while (!parser_->is_done()) co_await read_piece(request_.body);
}

/// Takes the rest of a body that the handler did not want. False when the connection can't go on.
asio::awaitable<bool> HttpSession::drain() {
  if (parser_->is_done()) co_return true;
  if (continue_due_) co_return false;
  std::size_t seen = 0;
  try {
    while (!parser_->is_done() && seen < kDrainBytes) {
      piece_.clear();
      co_await read_piece(piece_);
      seen += piece_.size();
    }
  } catch (const std::exception&) {
    co_return false;
  }
  co_return parser_->is_done();
}

/// Reads on for a while after the last reply: closing a socket with unread bytes would reset it and lose the reply.
asio::awaitable<void> HttpSession::linger() {
  stream_.shutdown_send();
  expired_ = false;
  deadline = steady_ms() + kLingerMs;
  for (;;) {
    begin_ = end_ = 0;
    const std::size_t got = co_await receive();
    if (got == 0) break;
  }
}

std::optional<Response> HttpSession::refuse(const Router::Match& match) const {
  if (!context_.options.enable_cors) {
    const std::string_view origin = request_.header("origin");
    if (!origin.empty() && context_.origins.refuses(request_.header("host"), origin)) return Response::empty(403);
  }
  if (request_.method == "OPTIONS") return Response::empty(200);
  if (match.handler) return std::nullopt;
  if (match.allowed.empty()) return Response::empty(404);
  Response response = Response::text(405, "405: Method Not Allowed");
  std::string allowed;
  for (const auto& method : match.allowed) allowed += (allowed.empty() ? "" : ",") + method;
  response.header("Allow", std::move(allowed));
  return response;
}

asio::awaitable<void> HttpSession::run() {
  if (stream_.is_tls()) {
    deadline = steady_ms() + kHeaderTimeMs;
    boost::system::error_code fault;
    co_await stream_.tls().async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, fault));
    if (fault) co_return;
  }
  for (;;) {
    const Head head = co_await read_head();
    if (head == Head::kClosed) co_return;
    if (head != Head::kComplete) {
      Response response = head == Head::kTimedOut ? Response::text(408, "408: Request Timeout")
                          : head == Head::kTooLong ? Response::text(431, "431: Request Header Fields Too Large")
                                                   : Response::text(400, "400: Bad Request");
      keep_alive_ = false;
      request_.method.clear();
      const bool written = co_await reply(response, false);
      if (written) co_await linger();
      co_return;
    }
    deadline = std::numeric_limits<std::int64_t>::max();  // a handler may take as long as it needs
    keep_alive_ = parser_->keep_alive() && !context_.stopping;
    continue_due_ = parser_->expects_continue() && !parser_->is_done();

    const std::string_view target = request_.target;
    Router::Match match = context_.router.match(request_.method, target.substr(0, target.find('?')));
    const bool cors = context_.options.enable_cors;
    Response response;
    bool by_handler = false;
    if (auto refusal = refuse(match)) {
      response = std::move(*refusal);
      by_handler = request_.method == "OPTIONS";
    } else if (match.options.websocket && has_token(request_.header("upgrade"), "websocket")) {
      upgraded_ = co_await accept_websocket();
      co_return;
    } else {
      body_limit_ = match.options.max_body.value_or(context_.options.max_body_bytes());
      request_.params = std::move(match.params);
      if (context_.options.multi_user) {
        const std::string_view user = request_.header("comfy-user");
        request_.user = user.empty() ? "default" : std::string(user);
      }
      try {
        if (match.options.streams_body)
          request_.stream = this;
        else if (!parser_->is_done())
          co_await read_body();
        deadline = std::numeric_limits<std::int64_t>::max();
        response = co_await (*match.handler)(request_);
        by_handler = true;
      } catch (const BadBody&) {
        response = Response::text(400, "400: Bad Request");
        keep_alive_ = false;
      } catch (const ConnectionLost&) {
        if (!expired_) co_return;
        response = Response::text(408, "408: Request Timeout");
        keep_alive_ = false;
      } catch (...) {
        response = error_response(std::current_exception());
      }
      if (response.status == 413) keep_alive_ = false;
    }
    if (cors && by_handler) add_cors(response, context_.options.cors_origin);
    if (context_.options.disable_api_nodes) response.header("Content-Security-Policy", kCsp);
    if (context_.options.compress_response_body && by_handler && compressible(response) && accepts_gzip(request_.header("accept-encoding"))) {
      const std::string_view body = body_of(response);
      std::string packed;
      if (body.size() <= kInlineGzip)
        packed = gzip(body);
      else
        packed = co_await context_.pool.run([body] { return gzip(body); });
      response.body = std::move(packed);
      response.shared_body.reset();
      response.header("Content-Encoding", "gzip");
    }

    if (context_.stopping) keep_alive_ = false;
    const bool unread = !parser_->is_done();
    if (unread && (continue_due_ || (parser_->content_length_remaining() && *parser_->content_length_remaining() > kDrainBytes))) keep_alive_ = false;
    const bool written = co_await reply(response, match.options.static_files);
    if (!written) co_return;
    if (!keep_alive_) {
      if (unread || begin_ < end_) co_await linger();
      co_return;
    }
    if (unread) {
      const bool drained = co_await drain();
      if (!drained) co_return;
    }
    if (request_.body.capacity() > kLargeInput) std::string().swap(request_.body);
    if (input_.size() > kLargeInput / 2 && begin_ == end_) {
      std::string(kSmallInput, '\0').swap(input_);
      begin_ = end_ = 0;
    }
  }
}

asio::awaitable<bool> HttpSession::reply(Response& response, bool static_file) {
  AfterWrite after(response);
  if (response.file) {
    const bool written = co_await reply_file(response);
    after.tell(written);
    co_return written;
  }
  const std::string_view body = body_of(response);
  head_.clear();
  const bool no_body = response.status == 204 || response.status == 304;
  append_head(head_, response,
              {no_body ? std::nullopt : std::optional<std::uint64_t>(body.size()), cache_control(request_.path, response.status, static_file),
               keep_alive_, parser_->http_1_0()});
  const bool written = co_await write(head_, no_body || request_.method == "HEAD" ? std::string_view() : body);
  after.tell(written);
  co_return written;
}

asio::awaitable<bool> HttpSession::reply_file(Response& response) {
  const std::string path = response.file->path;
  // Captured by reference: GCC 12 destroys a closure that owns something twice when it is made in an await expression.
  OpenFile file = co_await context_.pool.run([&path] { return OpenFile::open(path); });
  std::string type = response.file->content_type;
  if (type.empty()) type = content_type_of(path);
  const bool head_only = request_.method == "HEAD";
  ByteRange range;
  std::string body;
  if (file.status() == 200) {
    range = plan_file(request_, file.facts(), response);
    if (response.status != 304 && response.status != 416) response.header("Content-Type", type);
  } else {
    response.status = file.status();
    if (response.status == 403) body = "403: Forbidden";
    response.header("Content-Type", response.status == 403 ? "text/plain; charset=utf-8" : "application/octet-stream");
  }
  // A missing static file counts as found for its cache header, as in ComfyUI (protocol.md §1.5).
  std::optional<std::uint64_t> length = file.status() == 200 ? range.length : body.size();
  if (response.status == 304) length.reset();
  head_.clear();
  append_head(head_, response, {length, cache_control(request_.path, response.status, true), keep_alive_, parser_->http_1_0()});

  std::uint64_t offset = range.first, left = range.length;
  if (left > 0 && !head_only) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, kFilePiece));
    body = co_await context_.pool.run([&file, offset, size] { return file.read(offset, size); });
  }
  bool written = co_await write(head_, head_only ? std::string_view() : body);
  if (head_only) co_return written;
  while (written && left > 0) {
    // A file that shrank under our feet: the promised length can't be kept, so the connection has to end.
    if (body.empty()) co_return false;
    offset += body.size();
    left -= body.size();
    if (left == 0) break;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, kFilePiece));
    body = co_await context_.pool.run([&file, offset, size] { return file.read(offset, size); });
    written = co_await write(body, {});
  }
  co_return written;
}

asio::awaitable<bool> HttpSession::write(std::string_view head, std::string_view body) {
  const std::array<iovec, 2> parts{iovec{const_cast<char*>(head.data()), head.size()}, iovec{const_cast<char*>(body.data()), body.size()}};
  const ssize_t written = stream_.write_now(parts.data(), body.empty() ? 1 : 2);
  if (written < 0) co_return false;
  const auto done = static_cast<std::size_t>(written);
  if (done == head.size() + body.size()) co_return true;
  const std::string_view head_left = head.substr(std::min(done, head.size()));
  const std::string_view body_left = body.substr(done - (head.size() - head_left.size()));
  const bool finished = co_await finish_write(head_left, body_left);
  co_return finished;
}

asio::awaitable<bool> HttpSession::finish_write(std::string_view head, std::string_view body) {
  boost::system::error_code fault;
  auto wait = asio::redirect_error(asio::use_awaitable, fault);
  if (stream_.is_tls() && !head.empty()) {
    // One TLS record for a short reply.
    const std::array<asio::const_buffer, 2> both{asio::buffer(head.data(), head.size()), asio::buffer(body.data(), std::min(body.size(), kLargeInput))};
    deadline = steady_ms() + kWriteIdleMs;
    co_await stream_.async_write(both, wait);
    body.remove_prefix(std::min(body.size(), kLargeInput));
    head = {};
  }
  while (!fault && !(head.empty() && body.empty())) {
    std::string_view& source = head.empty() ? body : head;
    const std::string_view piece = source.substr(0, kFilePiece);
    deadline = steady_ms() + kWriteIdleMs;
    co_await stream_.async_write(asio::buffer(piece.data(), piece.size()), wait);
    source.remove_prefix(piece.size());
  }
  deadline = std::numeric_limits<std::int64_t>::max();
  co_return !fault;
}

asio::awaitable<bool> HttpSession::accept_websocket() {
  const std::string_view key = request_.header("sec-websocket-key");
  Response response;
  if (request_.method != "GET" || key.size() != 24 || !has_token(request_.header("connection"), "upgrade") || parser_->http_1_0()) {
    response = Response::text(400, "400: Bad Request");
  } else if (request_.header("sec-websocket-version") != "13") {
    response = Response::text(426, "426: Upgrade Required");
    response.header("Sec-WebSocket-Version", "13");
  } else {
    // No extension is accepted: a message for many is serialised once and compressing it for each would cost more than it saves.
    head_ = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept_key(key) + "\r\n\r\n";
    const bool written = co_await write(head_, {});
    co_return written;
  }
  keep_alive_ = false;
  co_await reply(response, false);
  co_return false;
}

}  // namespace darkroom
