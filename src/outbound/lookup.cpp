#include "outbound/lookup.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/error.hpp"

namespace darkroom {
namespace {

using asio::ip::address;

/// Of one look-up; lives on the executor.
struct Answer {
  explicit Answer(const asio::any_io_executor& io) : there(io) {}
  asio::steady_timer there;
  bool is_there = false;
  std::vector<address> found;
  std::string fault;
};

}  // namespace

std::vector<address> resolve(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (const int fault = ::getaddrinfo(host.c_str(), nullptr, &wanted, &list); fault != 0) throw Unavailable(::gai_strerror(fault));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> kept(list, ::freeaddrinfo);
  std::vector<address> found;
  for (const addrinfo* one = list; one; one = one->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (one->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), one->ai_addr, one->ai_addrlen);
    endpoint.resize(one->ai_addrlen);
    found.push_back(endpoint.address());
  }
  return found;
}

/// What the threads know of whoever asked them.
struct Lookups::Shared {
  Resolver resolver;
  std::mutex mutex;
  bool open = true;  ///< the executor is there
  int running = 0;
};

Lookups::Lookups(asio::any_io_executor io, Resolver resolver) : io_(std::move(io)), shared_(std::make_shared<Shared>()) {
  shared_->resolver = std::move(resolver);
}

Lookups::~Lookups() {
  const std::lock_guard lock(shared_->mutex);
  shared_->open = false;
}

asio::awaitable<std::vector<address>> Lookups::find(std::string host, std::chrono::steady_clock::time_point end) {
  boost::system::error_code fault;
  if (const address number = asio::ip::make_address(host, fault); !fault) co_return std::vector<address>(1, number);
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->running >= kMaxAtATime) throw Unavailable("too many names are looked up just now");
    ++shared_->running;
  }
  const auto answer = std::make_shared<Answer>(io_);
  answer->there.expires_at(end);
  try {
    std::thread([shared = shared_, io = io_, host, waiting = std::weak_ptr<Answer>(answer)] {
      std::vector<address> found;
      std::string why;
      try {
        found = shared->resolver(host);
      } catch (const std::exception& error) {
        why = error.what();
      }
      const std::lock_guard lock(shared->mutex);
      --shared->running;
      if (!shared->open) return;
      asio::post(io, [waiting, found = std::move(found), why = std::move(why)]() mutable {
        const auto asked = waiting.lock();
        if (!asked) return;
        asked->found = std::move(found);
        asked->fault = std::move(why);
        asked->is_there = true;
        asked->there.cancel();
      });
    }).detach();
  } catch (const std::system_error&) {  // no thread is to be had
    const std::lock_guard lock(shared_->mutex);
    --shared_->running;
    throw Unavailable("names can't be looked up just now");
  }
  co_await answer->there.async_wait(asio::redirect_error(asio::use_awaitable, fault));
  if (!answer->is_there) throw Unavailable(fmt::format("{} could not be looked up in time", host));
  if (answer->found.empty())
    throw Unavailable(fmt::format("{} is not known: {}", host, answer->fault.empty() ? "it has no address" : answer->fault));
  co_return std::move(answer->found);
}

}  // namespace darkroom
