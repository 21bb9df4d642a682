#pragma once
// One HTTP connection: reads requests, hands them to routes, writes replies, until either side has enough.
// Owned by its coroutine; lives on the io thread.

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "gateway/http.hpp"
#include "gateway/http_times.hpp"
#include "gateway/middleware.hpp"
#include "gateway/request_parser.hpp"
#include "gateway/stream.hpp"

namespace darkroom {

class BlockingPool;
class Gatekeeper;
struct Options;

/// Limit: unread rest of a body that is read over to keep the connection, bytes. Beyond: the connection ends after the reply. Fixed: a new
/// connection is cheaper. Edge: ServerLimits.AnUnreadBodyIsReadOverToALimit.
constexpr std::size_t kDrainBytes = 1u << 20;
constexpr std::size_t kFilePiece = 256u << 10;     ///< bytes of a file in memory at a time

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// Sessions with a deadline.
class Deadlines {
 public:
  class Entry {
   public:
    virtual ~Entry() = default;
    virtual void expire() = 0;
    std::int64_t deadline = kNever;  ///< steady_ms()
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
  Gatekeeper* gate = nullptr;  ///< none: everybody is `local`
  Deadlines deadlines;
  HttpTimes times;
  bool stopping = false;  ///< replies close their connection
};

class HttpSession final : public Deadlines::Entry, private BodyReader, private Peer {
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
  // A pack's route may take the body while its reply is written already: each side has a deadline of its own.
  void read_by(std::int64_t time) { deadline = std::min(read_by_ = time, write_by_); }
  void write_by(std::int64_t time) { deadline = std::min(read_by_, write_by_ = time); }
  /// Closes the connection if it waits for a next request.
  void close_if_idle();

 private:
  enum class Head { kComplete, kClosed, kMalformed, kTooLong, kTimedOut };
  asio::awaitable<bool> serve_one();
  asio::awaitable<std::optional<Response>> call(Router::Match& match, bool& by_handler);
  asio::awaitable<void> refuse_head(Head head);
  void give_memory_back();
  asio::awaitable<Head> read_head();
  asio::awaitable<std::string_view> read() override;  // BodyReader
  std::string address() const override;               // Peer
  bool is_tls() const override { return stream_.is_tls(); }
  bool is_gone() override;
  asio::awaitable<void> read_piece(std::string& out);
  asio::awaitable<std::size_t> receive();
  asio::awaitable<void> begin_body();
  asio::awaitable<void> read_body();
  asio::awaitable<bool> drain();
  asio::awaitable<void> linger();
  std::optional<Response> refuse() const;
  std::optional<Response> identify(Access access, bool socket);
  void reply_with_cookie(Response& response);
  std::string_view cache_rule(int status, bool static_file) const;
  static Response not_here(Router::Match& match);
  asio::awaitable<Response> ask_others(Router::Match& match, bool& by_handler);

  // http_reply.cpp
  asio::awaitable<void> decorate(Response& response);
  static void add_csp(Response& response);
  asio::awaitable<bool> reply(Response& response, bool static_file);
  asio::awaitable<bool> reply_file(Response& response);
  asio::awaitable<bool> reply_stream(Response& response);
  asio::awaitable<void> reply_tunnel(Response& response);
  asio::awaitable<bool> write(std::string_view head, std::string_view body);
  asio::awaitable<bool> finish_write(std::string_view head, std::string_view body);
  bool wants_websocket() const;
  asio::awaitable<bool> accept_websocket();

  Stream stream_;
  const std::shared_ptr<HttpContext> keep_context_;  ///< a session may outlive its server, inside a handler that still waits
  HttpContext& context_;
  Request request_;
  std::optional<RequestParser> parser_;
  std::string input_;              ///< received; [begin_, end_) is not parsed yet
  std::size_t begin_ = 0, end_ = 0;
  std::string head_;               ///< of the reply, reused
  std::string piece_;              ///< of a streamed body of a request
  std::size_t body_limit_ = 0;
  std::int64_t read_by_ = kNever, write_by_ = kNever;
  std::string set_cookie_;         ///< for the reply
  bool of_server_ = false;         ///< the path is that of a file which is the same for all
  bool keep_alive_ = true;
  bool idle_ = true;
  bool expired_ = false;
  bool continue_due_ = false;      ///< the client waits for "100 Continue" before it sends its body
  bool upgraded_ = false;
  bool replying_ = false;          ///< the reply has begun
  bool half_closed_ = false;       ///< the client has been seen to send nothing more
};

}  // namespace darkroom
