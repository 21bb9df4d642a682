#include "gateway/pack_tunnel.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace darkroom {
namespace {

constexpr std::size_t kPiece = 16u << 10;  ///< bytes at a time, each way; an idle tunnel holds as many

}  // namespace

PackTunnel::PackTunnel(Socket pack, std::string first, std::function<bool()> worker_there, std::int64_t look, std::shared_ptr<void> slot)
    : pack_(std::move(pack)),
      first_(std::move(first)),
      worker_there_(std::move(worker_there)),
      look_(look),
      tick_(pack_.get_executor()),
      slot_(std::move(slot)) {}

void PackTunnel::close() {
  closed_ = true;
  tick_.cancel();
  boost::system::error_code ignored;
  pack_.close(ignored);
  client_->close();
}

asio::awaitable<void> PackTunnel::run(Stream client, std::string rest) {
  client.keep_alive();
  client_.emplace(std::move(client));
  asio::co_spawn(pack_.get_executor(), to_client(shared_from_this()), asio::detached);
  asio::co_spawn(pack_.get_executor(), watch(shared_from_this()), asio::detached);
  co_await to_pack(std::move(rest));
  close();
}

asio::awaitable<void> PackTunnel::to_client(std::shared_ptr<PackTunnel> self) {
  std::string bytes = std::move(self->first_);
  boost::system::error_code fault;
  for (;;) {
    if (!bytes.empty()) co_await self->client_->async_write(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, fault));
    if (fault) break;
    bytes.resize(kPiece);
    const std::size_t got = co_await self->pack_.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, fault));
    if (fault) break;
    bytes.resize(got);
  }
  self->close();
}

/// What a worker leaves behind may keep the connection open.
asio::awaitable<void> PackTunnel::watch(std::shared_ptr<PackTunnel> self) {
  while (!self->closed_) {
    self->tick_.expires_after(std::chrono::milliseconds(self->look_));
    boost::system::error_code ignored;
    co_await self->tick_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (!self->closed_ && !self->worker_there_()) self->pack_.shutdown(Socket::shutdown_both, ignored);
  }
}

asio::awaitable<void> PackTunnel::to_pack(std::string bytes) {
  boost::system::error_code fault;
  for (;;) {
    if (!bytes.empty()) co_await asio::async_write(pack_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, fault));
    if (fault) break;
    bytes.resize(kPiece);
    const std::size_t got = co_await client_->async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, fault));
    if (fault) break;
    bytes.resize(got);
  }
}

}  // namespace darkroom
