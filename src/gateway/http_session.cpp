#include "gateway/http_session.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "base/text.hpp"
#include "gateway/gatekeeper.hpp"
#include "gateway/options.hpp"
#include "gateway/refusal.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kSmallInput = 4u << 10;   ///< enough for nearly every request
constexpr std::size_t kLargeInput = 64u << 10;  ///< for bodies

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// A request whose body can't be read to its end.
struct BadBody : std::exception {};
struct ConnectionLost : std::exception {};

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
  deadline = read_by_ = write_by_ = kNever;
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
  read_by(steady_ms() + (begin_ == end_ ? context_.times.keep_alive_idle : context_.times.header));
  idle_ = begin_ == end_;
  for (;;) {
    // Line ends before a request are left over from a body of a careless client (RFC 9112 §2.2).
    if (!parser_->got_some())
      while (begin_ < end_ && (input_[begin_] == '\r' || input_[begin_] == '\n')) ++begin_;
    if (begin_ < end_) {
      RequestParser::Fault fault{};
      begin_ += parser_->put(std::string_view(input_).substr(begin_, end_ - begin_), fault);
      if (fault == RequestParser::Fault::kTooLong) co_return Head::kTooLong;
      if (fault == RequestParser::Fault::kMalformed) co_return Head::kMalformed;
      if (parser_->is_header_done()) co_return Head::kComplete;
      if (end_ - begin_ > kMaxHeaderBytes) co_return Head::kTooLong;
    }
    const bool started = begin_ < end_;
    const std::size_t got = co_await receive();
    if (got == 0) co_return expired_ && started ? Head::kTimedOut : Head::kClosed;
    if (idle_) {
      idle_ = false;
      read_by(steady_ms() + context_.times.header);
    }
  }
}

/// Lets a client begin that waits to be told so; refuses a body that says itself that it is too long.
asio::awaitable<void> HttpSession::begin_body() {
  if (parser_->content_length() && *parser_->content_length() > body_limit_) throw BodyTooLarge(body_limit_);
  if (!continue_due_) co_return;
  continue_due_ = false;
  const bool written = co_await write(kContinue, {});
  if (!written) throw ConnectionLost();
}

asio::awaitable<void> HttpSession::read_piece(std::string& out) {
  parser_->set_body_sink(out, body_limit_);
  co_await begin_body();
  const std::size_t before = out.size();
  while (out.size() == before && !parser_->is_done()) {
    if (begin_ < end_) {
      RequestParser::Fault fault{};
      const std::size_t used = parser_->put(std::string_view(input_).substr(begin_, end_ - begin_), fault);
      begin_ += used;
      if (parser_->too_large()) throw BodyTooLarge(body_limit_);
      if (fault == RequestParser::Fault::kTooLong || fault == RequestParser::Fault::kMalformed) throw BadBody();
      if (fault == RequestParser::Fault::kNone && (used > 0 || parser_->is_done())) continue;
      if (end_ - begin_ >= kMaxHeaderBytes) throw BadBody();  // a chunk header or trailer without an end
    }
    if (input_.size() < kLargeInput) input_.resize(kLargeInput);
    read_by(steady_ms() + context_.times.body_idle);
    const std::size_t got = co_await receive();
    if (got == 0) throw ConnectionLost();
  }
}

asio::awaitable<std::string_view> HttpSession::read() {
  piece_.clear();
  std::exception_ptr fault;
  try {
    if (!parser_->is_done()) co_await read_piece(piece_);
  } catch (...) {
    fault = std::current_exception();
  }
  read_by(kNever);  // whoever reads may take as long as it needs
  if (fault) std::rethrow_exception(fault);
  co_return piece_;
}

/// A client that says that it sends nothing more still waits for its reply; one that closed its connection says the same. The latter
/// answers whatever it is sent by a reset. Before the reply that is an interim head, which clients read over; later, TCP's own probes,
/// which take a minute or two.
bool HttpSession::is_gone() {
  const Stream::Ending ending = stream_.ending();
  if (ending != Stream::Ending::kHalf) return ending == Stream::Ending::kWhole;
  if (is_tls()) return true;  // no client of TLS closes one half
  if (std::exchange(half_closed_, true)) return false;
  stream_.keep_alive();
  if (replying_ || parser_->http_1_0()) return false;
  const iovec probe{const_cast<char*>(kContinue.data()), kContinue.size()};
  const ssize_t written = stream_.write_now(&probe, 1);
  return written != 0 && written != static_cast<ssize_t>(kContinue.size());
}

std::string HttpSession::address() const {
  boost::system::error_code fault;
  const auto remote = stream_.socket().remote_endpoint(fault);
  return fault ? "" : remote.address().to_string();
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
  read_by(steady_ms() + context_.times.linger);
  for (;;) {
    begin_ = end_ = 0;
    const std::size_t got = co_await receive();
    if (got == 0) break;
  }
}

/// What no handler is asked for: requests of other origins, and OPTIONS.
std::optional<Response> HttpSession::refuse() const {
  if (!context_.options.enable_cors) {
    const std::string_view origin = request_.header("origin");
    if (!origin.empty() && context_.origins.refuses(request_.header("host"), origin)) return Response::empty(403);
  }
  if (request_.method == "OPTIONS") return Response::empty(200);
  return std::nullopt;
}

/// Asks the gatekeeper who this is. A reply when it may not pass.
std::optional<Response> HttpSession::identify(Access access, bool socket) {
  set_cookie_.clear();
  request_.who = {};
  if (!context_.gate) return std::nullopt;
  if (request_.connection.address.empty()) {
    request_.connection.address = address();
    request_.connection.loopback = is_loopback_address(request_.connection.address);
    request_.connection.tls = is_tls();
  }
  try {
    auto verdict = context_.gate->admit(request_, access, socket);
    if (auto* refused = std::get_if<Response>(&verdict)) return std::move(*refused);
    auto& passed = std::get<Gatekeeper::Passed>(verdict);
    request_.who = std::move(passed.who);
    set_cookie_ = std::move(passed.set_cookie);
    return std::nullopt;
  } catch (...) {
    return error_response(std::current_exception());
  }
}

/// Cache-Control of a reply that says none. What is not the same for all stays out of caches that people share.
std::string_view HttpSession::cache_rule(int status, bool static_file) const {
  const std::string_view rule = cache_control(request_.path, status, static_file);
  const bool is_private = context_.gate && (context_.gate->auth() || request_.who.has_own_room());
  if (of_server_ || !is_private || !rule.starts_with("public")) return rule;
  return status == 404 ? std::string_view("no-store") : std::string_view("private, max-age=86400");
}

/// Two people who got this from a cache would be one.
void HttpSession::reply_with_cookie(Response& response) {
  std::erase_if(response.headers, [](const auto& header) { return lower(header.first) == "cache-control"; });
  response.header("Set-Cookie", std::move(set_cookie_)).header("Cache-Control", "no-store");
}

/// 404, or 405 with what is allowed.
Response HttpSession::not_here(Router::Match& match) {
  if (match.allowed.empty()) return Response::empty(404);
  std::sort(match.allowed.begin(), match.allowed.end());
  match.allowed.erase(std::unique(match.allowed.begin(), match.allowed.end()), match.allowed.end());
  Response response = Response::text(405, "405: Method Not Allowed");
  std::string allowed;
  for (const auto& method : match.allowed) allowed += (allowed.empty() ? "" : ",") + method;
  response.header("Allow", std::move(allowed));
  return response;
}

asio::awaitable<void> HttpSession::run() {
  if (stream_.is_tls()) {
    read_by(steady_ms() + context_.times.header);
    boost::system::error_code fault;
    co_await stream_.tls().async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, fault));
    if (fault) co_return;
  }
  bool more = true;
  while (more) more = co_await serve_one();
}

/// One request and its reply. False when the connection ends, or is none of HTTP any more.
asio::awaitable<bool> HttpSession::serve_one() {
  const Head head = co_await read_head();
  if (head != Head::kComplete) {
    if (head != Head::kClosed) co_await refuse_head(head);
    co_return false;
  }
  read_by(kNever);  // a handler may take as long as it needs
  keep_alive_ = parser_->keep_alive() && !context_.stopping;
  continue_due_ = parser_->expects_continue() && !parser_->is_done();
  replying_ = false;

  const std::string_view target = request_.target;
  Router::Match match = context_.router.match(request_.method, target.substr(0, target.find('?')));
  std::optional<Response> response = refuse();
  bool by_handler = response && request_.method == "OPTIONS";
  if (!response) {
    of_server_ = match.options.static_files;
    response = identify(match.handler ? match.options.access : Access::kUser, (match.options.websocket || match.others) && request_.method == "GET" && wants_websocket());
    by_handler = response.has_value();
  }
  if (!response && !match.handler && !match.others) response = not_here(match);
  if (!response && match.options.websocket && wants_websocket()) {
    upgraded_ = co_await accept_websocket();
    co_return false;
  }
  if (!response) {
    response = co_await call(match, by_handler);
    if (!response) co_return false;
  }
  if (by_handler) co_await decorate(*response);
  if (context_.options.disable_api_nodes) add_csp(*response);
  // Files are the same for all, and may lie in a cache between.
  if (!set_cookie_.empty() && (!match.options.static_files || request_.header("accept").find("text/html") != std::string_view::npos))
    reply_with_cookie(*response);

  if (response->tunnel) {
    co_await reply_tunnel(*response);
    co_return false;
  }
  const bool unread = !parser_->is_done();
  const auto rest = parser_->content_length_remaining();
  if (context_.stopping || response->status == 413 || (unread && (continue_due_ || (rest && *rest > kDrainBytes)))) keep_alive_ = false;
  const bool written = co_await reply(*response, match.options.static_files);
  if (!written) co_return false;
  const bool left = !parser_->is_done();  // what comes while a reply is written may have been taken
  if (!keep_alive_) {
    if (left || begin_ < end_) co_await linger();
    co_return false;
  }
  if (left) {
    const bool drained = co_await drain();
    if (!drained) co_return false;
  }
  give_memory_back();
  co_return true;
}

/// Reads the body, unless the route does it itself, and calls the handler. Nothing when the connection is lost.
asio::awaitable<std::optional<Response>> HttpSession::call(Router::Match& match, bool& by_handler) {
  body_limit_ = match.options.max_body.value_or(context_.options.max_body_bytes());
  request_.params = std::move(match.params);
  request_.peer = this;
  std::optional<Response> response;
  try {
    if (match.options.streams_body || match.others) request_.stream = this;
    else if (!parser_->is_done())
      co_await read_body();
    read_by(kNever);
    by_handler = true;
    if (match.others) response = co_await ask_others(match, by_handler);
    else response = co_await (*match.handler)(request_);
  } catch (const BadBody&) {
    by_handler = false;
    response = Response::text(400, "400: Bad Request");
    keep_alive_ = false;
  } catch (const ConnectionLost&) {
    by_handler = false;
    if (expired_) response = Response::text(408, "408: Request Timeout");
    keep_alive_ = false;
  } catch (const BodyTooLarge& large) {
    by_handler = false;
    response = too_long(request_, large.text);
  } catch (...) {
    by_handler = false;
    response = error_response(std::current_exception());
  }
  co_return response;
}

/// A route of a pack, else the fallback, else 404 or 405.
asio::awaitable<Response> HttpSession::ask_others(Router::Match& match, bool& by_handler) {
  std::optional<Response> file;
  if (match.guess == OtherRoutes::Guess::kPerhaps && match.handler) {
    file = co_await (*match.handler)(request_);
    if (file->status != 404) co_return std::move(*file);
  }
  // Credentials are this server's business; code of packs could only lose them.
  if (context_.gate && context_.gate->auth())
    std::erase_if(request_.headers, [](const auto& header) { return header.first == "authorization" || header.first == "cookie" || header.first == "comfy-user"; });
  // HTTP/1.0 knows no other protocols (RFC 9110 §7.8).
  if (parser_->http_1_0()) std::erase_if(request_.headers, [](const auto& header) { return header.first == "upgrade"; });
  co_await begin_body();
  std::optional<Response> response = co_await match.others->answer(request_, match.allowed);
  if (response) {
    of_server_ = match.options.static_files = false;
    co_return std::move(*response);
  }
  if (file) co_return std::move(*file);
  if (match.handler) {
    file = co_await (*match.handler)(request_);
    co_return std::move(*file);
  }
  by_handler = false;
  co_return not_here(match);
}

/// Says what is wrong with a head that can't be read, and ends the connection.
asio::awaitable<void> HttpSession::refuse_head(Head head) {
  Response response = head == Head::kTimedOut ? Response::text(408, "408: Request Timeout")
                      : head == Head::kTooLong ? Response::text(431, "431: Request Header Fields Too Large")
                                               : Response::text(400, "400: Bad Request");
  keep_alive_ = false;
  request_.method.clear();
  const bool written = co_await reply(response, false);
  if (written) co_await linger();
}

/// A connection that once took a large body may be idle for long.
void HttpSession::give_memory_back() {
  if (request_.body.capacity() > kLargeInput) std::string().swap(request_.body);
  if (input_.size() >= kLargeInput && begin_ == end_) {
    std::string(kSmallInput, '\0').swap(input_);
    begin_ = end_ = 0;
  }
}

}  // namespace darkroom
