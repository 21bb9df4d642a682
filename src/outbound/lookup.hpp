#pragma once
// Names to addresses, in a time that the names' own servers do not decide.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace darkroom {

namespace asio = boost::asio;

/// All addresses of a host. Blocks. Throws Unavailable where there is none.
using Resolver = std::function<std::vector<asio::ip::address>(const std::string& host)>;
/// That of the system.
std::vector<asio::ip::address> resolve(const std::string& host);

/// Look-ups on threads of their own, which nobody waits for longer than he likes: the system's can't be cancelled.
class Lookups {
 public:
  /// Limit: names that are looked up at a time. Beyond: what wanted another fails as with a name that is not known. Fixed: bounds the
  /// threads that slow servers of names can hold. Edge: Lookups.ALimitedNumberAtATime.
  static constexpr int kMaxAtATime = 64;

  /// `io` has to outlive this.
  Lookups(asio::any_io_executor io, Resolver resolver);
  ~Lookups();  ///< leaves alone what has no answer yet

  /// An address as it is, a name as the resolver says. Throws Unavailable, also when nothing is known at `end`.
  asio::awaitable<std::vector<asio::ip::address>> find(std::string host, std::chrono::steady_clock::time_point end);

 private:
  struct Shared;
  asio::any_io_executor io_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace darkroom
