#pragma once
// One HTTP connection: reads requests, hands them to routes, writes replies, until either side has enough.
// Owned by its coroutine; lives on the io thread.

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "gateway/http.hpp"
#include "gateway/middleware.hpp"
#include "gateway/request_parser.hpp"
#include "gateway/stream.hpp"

namespace darkroom {

class BlockingPool;
struct Options;

// Time-outs in milliseconds. One sweep a second looks at all deadlines, so each may come a second late.
constexpr std::int64_t kKeepAliveIdleMs = 75'000;  ///< between two requests
constexpr std::int64_t kHeaderTimeMs = 30'000;     ///< from the first byte of a request to the end of its headers
constexpr std::int64_t kBodyIdleMs = 60'000;       ///< between two pieces of a body
constexpr std::int64_t kWriteIdleMs = 60'000;      ///< a client that takes nothing of a reply
constexpr std::int64_t kLingerMs = 5'000;          ///< reading on after an early reply, so that the client gets to see it
constexpr std::size_t kDrainBytes = 1u << 20;      ///< of an unread body, to keep the connection
constexpr std::size_t kFilePiece = 256u << 10;     ///< bytes of a file in memory at a time

/// Sessions with a deadline.
class Deadlines {
 public:
  class Entry {
   public:
    virtual ~Entry() = default;
    virtual void expire() = 0;
    std::int64_t deadline = std::numeric_limits<std::int64_t>::max();  ///< steady_ms()
  };
  void add(Entry& entry) { entries_.insert(&entry); }
  void remove(Entry& entry) { entries_.erase(&entry); }
  void sweep(std::int64_t now);
  std::size_t size() const { return entries_.size(); }
  template <class Visit>
  void each(Visit visit) {
    const auto copy = entries_;
    for (auto* entry : copy) visit(*entry);
  }

 private:
  std::unordered_set<Entry*> entries_;
};

/// What every session of a server shares.
struct HttpContext {
  const Router& router;
  const Options& options;
  BlockingPool& pool;
  OriginCheck origins;
  Deadlines deadlines;
  bool stopping = false;  ///< replies close their connection
};

class HttpSession final : public Deadlines::Entry, private BodyReader {
 public:
  HttpSession(Stream stream, std::shared_ptr<HttpContext> context);
  ~HttpSession() override;
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  /// Serves the connection to its end, or to an accepted WebSocket handshake.
  asio::awaitable<void> run();
  /// After run(): the connection has become a WebSocket; request() is the one that asked for it.
  bool upgraded() const { return upgraded_; }
  Stream take_stream() { return std::move(stream_); }
  const Request& request() const { return request_; }
  std::string take_rest() { return input_.substr(begin_, end_ - begin_); }  ///< bytes that came after the handshake

  void expire() override;
  /// Closes the connection if it waits for a next request.
  void close_if_idle();

 private:
  enum class Head { kComplete, kClosed, kMalformed, kTooLong, kTimedOut };
  asio::awaitable<Head> read_head();
  asio::awaitable<std::string_view> read() override;  // BodyReader
  asio::awaitable<void> read_piece(std::string& out);
  asio::awaitable<std::size_t> receive();
  asio::awaitable<void> read_body();
  asio::awaitable<bool> drain();
  asio::awaitable<void> linger();
  std::optional<Response> refuse(const Router::Match& match) const;
  asio::awaitable<bool> reply(Response& response, bool static_file);
  asio::awaitable<bool> reply_file(Response& response);
  asio::awaitable<bool> write(std::string_view head, std::string_view body);
  asio::awaitable<bool> finish_write(std::string_view head, std::string_view body);
  asio::awaitable<bool> accept_websocket();

  Stream stream_;
  const std::shared_ptr<HttpContext> keep_context_;  ///< a session may outlive its server, inside a handler that still waits
  HttpContext& context_;
  Request request_;
  std::optional<RequestParser> parser_;
  std::string input_;              ///< received; [begin_, end_) is not parsed yet
  std::size_t begin_ = 0, end_ = 0;
  std::string head_;               ///< of the reply, reused
  std::string piece_;              ///< of a streamed body
  std::size_t body_limit_ = 0;
  bool keep_alive_ = true;
  bool idle_ = true;
  bool expired_ = false;
  bool continue_due_ = false;      ///< the client waits for "100 Continue" before it sends its body
  bool upgraded_ = false;
};

}  // namespace darkroom
