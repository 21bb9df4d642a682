#include "gateway/server.hpp"

#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/http_session.hpp"
#include "gateway/options.hpp"
#include "gateway/websocket.hpp"

namespace darkroom {
namespace {

constexpr int kBacklog = 4096;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  ///< when there are no file descriptors left
/// Limit: file descriptors kept back from connections. Beyond: a connection that would take one is closed at once. Set by: the limit of
/// open files (`ulimit -n`), of which these are taken off. Edge: test_limits.py::test_connections_leave_descriptors_for_files.
constexpr std::size_t kSpareDescriptors = 256;
/// Limit: clientId of a WebSocket, bytes. Beyond: it is cut. Fixed: the editor's have 32. Edge: ServerLimits.ClientIds.
constexpr std::size_t kMaxClientId = 512;

std::size_t connections_within_limits() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur > 2 * kSpareDescriptors ? limit.rlim_cur - kSpareDescriptors : kSpareDescriptors;
}

OriginCheck origin_check() {
  std::ifstream hosts("/etc/hosts");
  return OriginCheck(hosts);
}

asio::awaitable<void> serve(std::unique_ptr<HttpSession> session, const SocketHosts& hosts) {
  co_await session->run();
  if (!session->upgraded()) co_return;
  const Request& request = session->request();
  WebSocketHost& sockets = hosts.of(request.path);
  const std::string* given = request.query_value("clientId");
  std::string client_id = given && !given->empty() && is_valid_utf8(*given) ? given->substr(0, kMaxClientId) : random_hex(32);
  if (hosts.is_extra(sockets)) client_id = random_hex(32);  // there it only tells sockets apart
  Handshake handshake{.query = request.query, .accept_language = std::string(request.header("accept-language")), .owner = request.who.user,
                      .token_id = request.who.token_id, .expires = request.who.expires};
  Stream stream = session->take_stream();
  std::string rest = session->take_rest();
  session.reset();  // with its buffers: a WebSocket may be idle for days
  stream.keep_alive();
  auto socket = std::make_shared<WebSocketSession>(std::move(stream), sockets, std::move(client_id), std::move(handshake));
  asio::co_spawn(sockets.io(), WebSocketHost::serve(std::move(socket), std::move(rest)), asio::detached);
}

}  // namespace

struct Server::Tls {
  asio::ssl::context context{asio::ssl::context::tls_server};
};

Server::Server(asio::io_context& io, const Options& options, const Router& router, BlockingPool& pool, WebSocketHost& sockets, HttpTimes times)
    : io_(io), options_(options), hosts_(sockets), context_(new HttpContext{.router = router, .options = options, .pool = pool, .origins = origin_check(), .times = times}), sweeper_(io) {}

Server::~Server() = default;

WebSocketHost& SocketHosts::of(std::string_view path) const {
  for (const auto& [known, host] : extra_)
    if (path == known || path == "/api" + known) return *host;
  return main_;
}

bool SocketHosts::is_extra(const WebSocketHost& host) const { return &host != &main_; }

std::size_t SocketHosts::connections() const {
  std::size_t sum = main_.hub().size();
  for (const auto& [path, host] : extra_) sum += host->hub().size();
  return sum;
}

void Server::listen() {
  if (options_.tls_certfile.empty() != options_.tls_keyfile.empty()) throw InvalidInput("--tls-keyfile and --tls-certfile must be given together");
  if (!options_.tls_certfile.empty()) {
    tls_ = std::make_unique<Tls>();
    try {
      tls_->context.use_certificate_chain_file(options_.tls_certfile.string());
      tls_->context.use_private_key_file(options_.tls_keyfile.string(), asio::ssl::context::pem);
    } catch (const std::exception& e) {
      throw InvalidInput(std::string("the TLS key or certificate can't be used: ") + e.what());
    }
  }
  max_connections_ = connections_within_limits();
  for (const auto& text : options_.listen) {
    boost::system::error_code fault;
    const auto address = asio::ip::make_address(text == "localhost" ? "127.0.0.1" : text, fault);
    if (fault) throw InvalidInput("--listen: \"" + text + "\" is not an IP address");
    if (options_.auth.empty() && !options_.insecure && !address.is_loopback())
      throw InvalidInput("listening on " + text + " would let everybody who reaches this machine use it: say who may with --auth FILE, or --insecure if all may");
    auto acceptor = std::make_unique<Acceptor>(io_);
    const asio::ip::tcp::endpoint endpoint(address, acceptors_.empty() ? options_.port : port());
    acceptor->open(endpoint.protocol(), fault);
    if (fault && address.is_v6() && options_.listen.size() > 1) {
      log::warn("no IPv6 on this machine: not listening on {}", text);
      continue;
    }
    if (!fault) acceptor->set_option(asio::socket_base::reuse_address(true), fault);
    if (!fault && address.is_v6()) acceptor->set_option(asio::ip::v6_only(true), fault);
    if (!fault) acceptor->bind(endpoint, fault);
    if (!fault) acceptor->listen(kBacklog, fault);
    if (fault == boost::system::errc::address_in_use)
      throw Unavailable("port " + std::to_string(endpoint.port()) + " on " + text + " is taken by another program: stop it, or choose another with --port");
    if (fault) throw Unavailable("can't listen on " + text + " port " + std::to_string(endpoint.port()) + ": " + fault.message());
    acceptors_.push_back(std::move(acceptor));
  }
  if (acceptors_.empty()) throw InvalidInput("--listen names no address that this machine has");
}

std::uint16_t Server::port() const { return acceptors_.front()->local_endpoint().port(); }

std::vector<std::string> Server::urls() const {
  std::vector<std::string> out;
  for (const auto& acceptor : acceptors_) {
    const auto endpoint = acceptor->local_endpoint();
    const std::string host = endpoint.address().is_v6() ? "[" + endpoint.address().to_string() + "]" : endpoint.address().to_string();
    out.push_back((tls_ ? "https://" : "http://") + host + ":" + std::to_string(endpoint.port()));
  }
  return out;
}

void Server::guard(Gatekeeper& gate) { context_->gate = &gate; }

void Server::start() {
  for (const auto& acceptor : acceptors_) asio::co_spawn(io_, accept(*acceptor), asio::detached);
  asio::co_spawn(io_, sweep(), asio::detached);
}

asio::awaitable<void> Server::accept(Acceptor& acceptor) {
  while (acceptor.is_open()) {
    boost::system::error_code fault;
    Stream::Socket socket(io_);
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, fault));
    if (!acceptor.is_open()) co_return;
    if (fault) {
      if (fault != boost::system::errc::connection_aborted) log::warn("a connection could not be accepted: {}", fault.message());
      asio::steady_timer pause(io_, kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, fault));
      continue;
    }
    if (context_->deadlines.size() + hosts_.connections() >= max_connections_) continue;  // closes it: those who are served go first
    socket.set_option(asio::ip::tcp::no_delay(true), fault);
    Stream stream = tls_ ? Stream(std::move(socket), tls_->context) : Stream(std::move(socket));
    asio::co_spawn(io_, serve(std::make_unique<HttpSession>(std::move(stream), context_), hosts_), asio::detached);
  }
}

asio::awaitable<void> Server::sweep() {
  boost::system::error_code fault;
  while (!fault) {
    sweeper_.expires_after(std::chrono::seconds(1));
    co_await sweeper_.async_wait(asio::redirect_error(asio::use_awaitable, fault));
    context_->deadlines.sweep(steady_ms());
  }
}

void Server::stop_accepting() {
  if (context_->stopping) return;
  context_->stopping = true;
  for (const auto& acceptor : acceptors_) {
    boost::system::error_code ignored;
    acceptor->close(ignored);
  }
  context_->deadlines.each([](Deadlines::Entry& entry) { static_cast<HttpSession&>(entry).close_if_idle(); });
}

asio::awaitable<void> Server::drain(std::chrono::milliseconds limit) {
  const std::int64_t end = steady_ms() + limit.count();
  asio::steady_timer tick(io_);
  while (context_->deadlines.size() > 0 && steady_ms() < end) {
    tick.expires_after(std::chrono::milliseconds(10));
    boost::system::error_code ignored;
    co_await tick.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  sweeper_.cancel();
}

}  // namespace darkroom
