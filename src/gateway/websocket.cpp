#include "gateway/websocket.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kScratch = 64u << 10;
constexpr std::size_t kTlsInput = 4u << 10;
constexpr std::size_t kGather = 64;              ///< frames in one system call
constexpr std::size_t kGatherBytes = 256u << 10;

std::string close_payload(std::uint16_t code) { return {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)}; }

}  // namespace

WebSocketHost::WebSocketHost(asio::io_context& io, Hub& hub, HubLimits limits) : io_(io), hub_(hub), limits_(limits), scratch_(kScratch) {}

asio::awaitable<void> WebSocketHost::serve(std::shared_ptr<WebSocketSession> session, std::string rest) {
  co_await session->run(std::move(rest));
}

void WebSocketHost::mark_dirty(WebSocketSession& session) {
  // The first one posts the flush: it runs after everything that is ready now, so that messages made together go out together.
  if (dirty_.empty()) asio::post(io_, [this] { flush(); });
  dirty_.push_back(session.shared_from_this());
}

void WebSocketHost::flush() {
  std::vector<std::shared_ptr<WebSocketSession>> now;
  now.swap(dirty_);
  for (const auto& session : now) {
    session->dirty_ = false;
    session->flush();
  }
  now.clear();
  if (dirty_.empty()) dirty_.swap(now);  // keeps the capacity
}

WebSocketSession::WebSocketSession(Stream stream, WebSocketHost& host, std::string client_id, Handshake handshake)
    : stream_(std::move(stream)), host_(host), client_id_(std::move(client_id)), handshake_(std::move(handshake)), queue_(host.limits()) {}

void WebSocketSession::send(const Frame& frame) {
  if (closing_ || broken_) return;
  const bool taken = queue_.push(frame);
  host_.hub().losses.thinned += queue_.take_replaced();
  if (!taken) {
    ++host_.hub().losses.too_slow;
    close(kTryAgainLater);
    return;
  }
  if (!dirty_ && !waiting_) {
    dirty_ = true;
    host_.mark_dirty(*this);
  }
}

void WebSocketSession::push_control(Opcode opcode, std::string payload) {
  if (closing_ || broken_) return;
  if (!queue_.push_control(opcode, std::move(payload))) {
    close(kTryAgainLater);
    return;
  }
  if (!waiting_) flush();
}

void WebSocketSession::close(std::uint16_t code) {
  if (closing_ || broken_) return;
  queue_.clear_unsent();
  queue_.push_control(Opcode::kClose, close_payload(code));
  closing_ = true;
  // Not flushed here: a broadcast may be on its way through the sessions.
  if (!dirty_ && !waiting_) {
    dirty_ = true;
    host_.mark_dirty(*this);
  }
  wait_then_drop();
}

void WebSocketSession::finish(std::uint16_t code) {
  if (closing_ || broken_) return;
  queue_.push_control(Opcode::kClose, close_payload(code));
  closing_ = true;
  if (!dirty_ && !waiting_) {
    dirty_ = true;
    host_.mark_dirty(*this);
  }
  // A slow reader gets the time that silence is allowed to last; the client's own close ends it sooner.
  if (host_.heartbeat.ping.count() == 0) wait_then_drop();
}

/// A browser answers a ping by itself: what has been silent for too long is not there any more.
void WebSocketSession::wait_then_ping() {
  if (!ping_timer_) ping_timer_ = std::make_unique<asio::steady_timer>(host_.io());
  ping_timer_->expires_after(host_.heartbeat.ping);
  ping_timer_->async_wait([weak = weak_from_this()](const boost::system::error_code& fault) {
    const auto self = weak.lock();
    if (fault || !self || self->broken_) return;
    if (std::chrono::steady_clock::now() - self->last_heard_ >= self->host_.heartbeat.silence) return self->stream_.close();
    self->push_control(Opcode::kPing, "");
    self->wait_then_ping();
  });
}

void WebSocketSession::wait_then_drop() {
  drop_timer_ = std::make_unique<asio::steady_timer>(host_.io(), std::chrono::milliseconds(kCloseTimeMs));
  drop_timer_->async_wait([self = shared_from_this()](const boost::system::error_code& fault) {
    if (!fault) self->stream_.close();
  });
}

void WebSocketSession::written(std::size_t bytes) {
  sent_of_front_ += bytes;
  while (!queue_.empty()) {
    std::size_t whole = 0;
    bool close_sent = false;
    queue_.peek([&](const SendQueue::Entry& entry) {
      whole = frame_header(entry.opcode, entry.payload->size()).size + entry.payload->size();
      close_sent = entry.opcode == Opcode::kClose;
      return false;
    });
    if (sent_of_front_ < whole) break;
    sent_of_front_ -= whole;
    queue_.pop();
    if (close_sent) stream_.shutdown_send();
  }
  if (sent_of_front_ > 0) queue_.pin_front();
}

void WebSocketSession::flush() {
  if (waiting_ || broken_) return;
  if (stream_.is_tls()) {
    flush_tls();
    return;
  }
  while (!queue_.empty()) {
    std::array<FrameHeader, kGather> headers;
    std::array<iovec, 2 * kGather> parts;
    std::size_t frames = 0, count = 0, total = 0, skip = sent_of_front_;
    const auto add = [&](const char* data, std::size_t size) {
      const std::size_t skipped = std::min(skip, size);
      skip -= skipped;
      if (size > skipped) parts[count++] = {const_cast<char*>(data) + skipped, size - skipped};
      total += size - skipped;
    };
    queue_.peek([&](const SendQueue::Entry& entry) {
      FrameHeader& header = headers[frames++];
      header = frame_header(entry.opcode, entry.payload->size());
      add(header.bytes.data(), header.size);
      add(entry.payload->data(), entry.payload->size());
      return frames < kGather && total < kGatherBytes;
    });
    const ssize_t sent = stream_.write_now(parts.data(), count);
    if (sent < 0) {
      broken_ = true;
      stream_.close();
      return;
    }
    written(static_cast<std::size_t>(sent));
    if (static_cast<std::size_t>(sent) < total) {
      waiting_ = true;
      stream_.socket().async_wait(asio::socket_base::wait_write, [self = shared_from_this()](const boost::system::error_code& fault) {
        self->waiting_ = false;
        if (!fault) self->flush();
      });
      return;
    }
  }
}

/// TLS has no call that never waits: what is queued is copied into one buffer and written by the event loop.
void WebSocketSession::flush_tls() {
  if (queue_.empty()) return;
  auto bytes = std::make_shared<std::string>();
  std::size_t frames = 0;
  queue_.peek([&](const SendQueue::Entry& entry) {
    const FrameHeader header = frame_header(entry.opcode, entry.payload->size());
    bytes->append(header.bytes.data(), header.size);
    bytes->append(*entry.payload);
    return ++frames < kGather && bytes->size() < kGatherBytes;
  });
  queue_.pin_front();
  waiting_ = true;
  // All of these are on their way now; a newer one must not replace them.
  for (std::size_t i = 0; i < frames; ++i) queue_.pop();
  stream_.async_write(asio::buffer(*bytes), [self = shared_from_this(), bytes](const boost::system::error_code& fault, std::size_t) {
    self->waiting_ = false;
    if (fault)
      self->stream_.close();
    else if (self->closing_ && self->queue_.empty())
      self->stream_.shutdown_send();
    else
      self->flush();
  });
}

asio::awaitable<void> WebSocketSession::run(std::string rest) {
  const auto self = shared_from_this();
  host_.hub().connect(*this);
  host_.greet(*this);
  if (host_.heartbeat.ping.count() > 0) wait_then_ping();
  if (!rest.empty()) received(rest);
  std::string tls_input(stream_.is_tls() ? kTlsInput : 0, '\0');
  boost::system::error_code fault;
  auto wait = asio::redirect_error(asio::use_awaitable, fault);
  for (;;) {
    if (stream_.is_tls()) {
      const std::size_t got = co_await stream_.async_read_some(asio::buffer(tls_input), wait);
      if (fault) break;
      received({tls_input.data(), got});
      continue;
    }
    co_await stream_.socket().async_wait(asio::socket_base::wait_read, wait);
    if (fault) break;
    const ssize_t got = stream_.read_now(host_.scratch_.data(), host_.scratch_.size());
    if (got == 0 || got == -1) break;
    if (got > 0) received({host_.scratch_.data(), static_cast<std::size_t>(got)});
  }
  broken_ = true;
  host_.hub().disconnect(*this);
  if (drop_timer_) drop_timer_->cancel();
  if (ping_timer_) ping_timer_->cancel();
  stream_.close();
}

void WebSocketSession::received(std::string_view bytes) {
  last_heard_ = std::chrono::steady_clock::now();
  if (closing_) return;  // whatever comes now is read to reach the end of the connection
  reader_.feed(bytes);
  while (auto incoming = reader_.next()) {
    handle(*incoming);
    if (closing_) return;
  }
  if (reader_.fault() != 0) close(reader_.fault());
}

void WebSocketSession::handle(const Incoming& incoming) {
  switch (incoming.opcode) {
    case Opcode::kPing: push_control(Opcode::kPong, incoming.payload); return;
    case Opcode::kClose:
      // Its code is sent back; what was queued before still goes out.
      push_control(Opcode::kClose, incoming.payload.substr(0, incoming.payload.size() >= 2 ? 2 : 0));
      closing_ = true;
      wait_then_drop();
      return;
    case Opcode::kText: break;
    default: return;
  }
  if (host_.heard) {
    try {
      const json::value message = parse_json(incoming.payload, {.max_bytes = kMaxIncoming, .max_depth = 64});
      if (message.is_object()) host_.heard(*this, message.get_object());
    } catch (const Error&) {
      // nothing that anybody could answer
    }
    return;
  }
  if (flags_done_) return;
  // Only the first text that parses to an object counts, and only if it tells feature flags (§4.2).
  json::value message;
  try {
    message = parse_json(incoming.payload, {.max_bytes = kMaxIncoming, .max_depth = 64});
  } catch (const Error&) {
    return;
  }
  if (!message.is_object()) return;
  flags_done_ = true;
  reader_.discard_messages();
  const json::object& object = message.get_object();
  const json::object* data = find_object(object, "data");
  if (string_or(object, "type", "") != "feature_flags") return;
  preview_metadata_ = data && bool_or(*data, "supports_preview_metadata", false);
  send(host_.feature_flags);
}

}  // namespace darkroom
