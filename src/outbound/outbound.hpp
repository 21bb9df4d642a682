#pragma once
// Requests of the server to addresses that users named. Every connection, that of a redirect too, is made to an address that AddressGuard
// has seen, which is the one that the name was resolved to: there is no second look-up. No proxy of the environment, no cookies, no
// credentials.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "client/transport.hpp"
#include "outbound/address_guard.hpp"
#include "outbound/lookup.hpp"
#include "outbound/web_address.hpp"

namespace darkroom {

struct OutboundOptions {
  bool open = true;                ///< false: nothing is ever sent
  std::vector<std::string> allow;  ///< AddressGuard's
};

/// Speaks on a thread of its own, which begins with the first request. Calls come back to the caller's executor.
class Outbound {
 public:
  using Clock = Transport::Clock;
  /// Limit: an address that a user names, bytes. Beyond: it is refused. Fixed: longer ones are signed by nobody. Edge:
  /// Outbound.AddressesHaveALimit.
  static constexpr std::size_t kMaxAddressBytes = 4096;
  /// Limit: redirects from an address that a user names. Beyond: it is refused. Fixed: hubs of files use two. Edge:
  /// OutboundTest.RedirectsHaveALimit.
  static constexpr int kMaxRedirects = 5;

  /// Throws InvalidInput for permissions that are none.
  explicit Outbound(OutboundOptions options, Resolver resolver = resolve);
  ~Outbound();  ///< drops what is under way

  bool is_open() const { return open_; }
  /// What can be told of an address without asking anybody. Throws InvalidInput for what is no http(s) address, Forbidden for one that is
  /// refused.
  WebAddress checked(std::string_view url) const;

  struct Limits {
    std::uint64_t bytes;
    Clock::time_point end;
  };
  using Sink = std::function<void(std::string_view piece)>;
  /// The content at `url`, redirects followed, given to `sink` piece by piece on the other thread; what it throws ends the request. Throws
  /// as checked(), Forbidden for a redirect that is refused, TooLarge, InvalidInput for any answer but 200, Unavailable, and
  /// Error(kTimeout) past the end.
  asio::awaitable<void> fetch(std::string url, Limits limits, Sink sink);

  struct Answer {
    int status = 0;
    std::int64_t retry_after_s = 0;  ///< 0: not said
  };
  /// One POST. Its answer's body is not read, a redirect not followed. Throws as fetch().
  asio::awaitable<Answer> post(std::string url, std::map<std::string, std::string> fields, std::string body, Clock::time_point end);

 private:
  void start();
  Transport transport(const WebAddress& address, Clock::time_point end);
  asio::awaitable<std::vector<asio::ip::tcp::endpoint>> endpoints(std::string host, std::string port, Clock::time_point end);
  asio::awaitable<void> follow(WebAddress address, Limits limits, Sink sink);
  asio::awaitable<Answer> deliver(WebAddress address, std::map<std::string, std::string> fields, std::string body, Clock::time_point end);

  const bool open_;
  const AddressGuard guard_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  Lookups lookups_;
  Transport::Trust trust_;  ///< made by the first request: reading the system's authorities takes some milliseconds
  std::thread thread_;
};

}  // namespace darkroom
