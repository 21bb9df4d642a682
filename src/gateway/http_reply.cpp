// The writing half of an HTTP session: what is added to a reply, and how it gets on the wire.

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/file_response.hpp"
#include "gateway/http_session.hpp"
#include "gateway/options.hpp"
#include "gateway/pool.hpp"
#include "gateway/response_head.hpp"
#include "storage/folders.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kInlineGzip = 64u << 10;  ///< longer texts are compressed on the pool
constexpr std::size_t kFirstRecord = 64u << 10; ///< of a body that goes out together with its head over TLS

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

bool HttpSession::wants_websocket() const { return has_token(request_.header("upgrade"), "websocket"); }

/// What --enable-cors-header and --enable-compress-response-body add to replies of handlers.
asio::awaitable<void> HttpSession::decorate(Response& response) {
  if (context_.options.enable_cors) add_cors(response, context_.options.cors_origin);
  if (!context_.options.compress_response_body || !compressible(response) || !accepts_gzip(request_.header("accept-encoding"))) co_return;
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

void HttpSession::add_csp(Response& response) { response.header("Content-Security-Policy", kCsp); }

asio::awaitable<bool> HttpSession::reply(Response& response, bool static_file) {
  AfterWrite after(response);
  replying_ = true;
  if (response.file || response.stream) {
    bool written = false;
    if (response.file) {
      written = co_await reply_file(response);
    } else {
      written = co_await reply_stream(response);
      co_await response.stream->finish();
    }
    after.tell(written);
    co_return written;
  }
  const std::string_view body = body_of(response);
  head_.clear();
  const bool no_body = response.status == 204 || response.status == 304;
  append_head(head_, response,
              {no_body ? std::nullopt : std::optional<std::uint64_t>(body.size()), cache_rule(response.status, static_file),
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
  append_head(head_, response, {length, cache_rule(response.status, true), keep_alive_, parser_->http_1_0()});

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

asio::awaitable<bool> HttpSession::reply_stream(Response& response) {
  const bool no_length = response.status == 204 || response.status == 304;
  const bool no_body = no_length || request_.method == "HEAD";
  const bool chunked = !no_body && !response.stream_length && !parser_->http_1_0();
  if (chunked) response.header("Transfer-Encoding", "chunked");
  else if (!no_body && !response.stream_length) keep_alive_ = false;  // its end is the end of the connection
  head_.clear();
  append_head(head_, response,
              {no_length ? std::nullopt : response.stream_length, cache_rule(response.status, false), keep_alive_,
               parser_->http_1_0()});
  // At once: the first piece may be long in coming.
  bool written = co_await write(head_, {});
  if (no_body) co_return written;
  std::string chunk;
  while (written) {
    std::string_view piece;
    bool broken = false;
    try {
      piece = co_await response.stream->read();
    } catch (const std::exception& error) {
      log::debug("a reply is cut off: {}", error.what());
      broken = true;
    }
    if (broken) co_return false;
    if (piece.empty()) {
      if (chunked) written = co_await write("0\r\n\r\n", {});
      break;
    }
    if (!chunked) {
      written = co_await write(piece, {});
      continue;
    }
    chunk = fmt::format("{:x}\r\n", piece.size());
    chunk += piece;
    chunk += "\r\n";
    written = co_await write(chunk, {});
  }
  co_return written;
}

asio::awaitable<void> HttpSession::reply_tunnel(Response& response) {
  const auto tunnel = response.tunnel;
  response.header("Connection", "Upgrade").header("Upgrade", "websocket");
  head_.clear();
  append_head(head_, response, {std::nullopt, {}, true, false});
  const bool written = co_await write(head_, {});
  if (!written) co_return;
  std::string rest = take_rest();
  co_await tunnel->run(take_stream(), std::move(rest));
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
    const std::array<asio::const_buffer, 2> both{asio::buffer(head.data(), head.size()), asio::buffer(body.data(), std::min(body.size(), kFirstRecord))};
    write_by(steady_ms() + context_.times.write_idle);
    co_await stream_.async_write(both, wait);
    body.remove_prefix(std::min(body.size(), kFirstRecord));
    head = {};
  }
  while (!fault && !(head.empty() && body.empty())) {
    std::string_view& source = head.empty() ? body : head;
    const std::string_view piece = source.substr(0, kFilePiece);
    write_by(steady_ms() + context_.times.write_idle);
    co_await stream_.async_write(asio::buffer(piece.data(), piece.size()), wait);
    source.remove_prefix(piece.size());
  }
  write_by(kNever);
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
    head_ = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept_key(key) + "\r\n";
    if (!set_cookie_.empty()) head_ += "Set-Cookie: " + set_cookie_ + "\r\n";
    head_ += "\r\n";
    const bool written = co_await write(head_, {});
    co_return written;
  }
  keep_alive_ = false;
  co_await reply(response, false);
  co_return false;
}

}  // namespace darkroom
