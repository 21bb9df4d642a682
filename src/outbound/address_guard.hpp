#pragma once
// Which addresses the server may send requests to when somebody else named them: those of the public Internet, and what --outbound-allow
// opens.

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace darkroom {

namespace asio = boost::asio;

/// Is it an address of one host on the public Internet? No for all of IANA's special-purpose registries: loopback, private and link-local
/// networks, shared address space, documentation, benchmarks, multicast, and IPv6 forms (mapped, NAT64) of such IPv4 addresses. Tunnels
/// (6to4, Teredo) are none.
bool is_public(const asio::ip::address& address);

class AddressGuard {
 public:
  /// `allowed`: host names, addresses, and networks as "10.1.0.0/16" or "fd00::/8". Throws InvalidInput for what is none of them.
  explicit AddressGuard(const std::vector<std::string>& allowed = {});

  /// May a connection go to `address`, which `host` was resolved to?
  bool allows(std::string_view host, const asio::ip::address& address) const;
  /// What can be told without a look-up. Throws Forbidden for an address, or a name of this machine, that allows() would refuse.
  void check_name(std::string_view host) const;

 private:
  bool names(std::string_view host) const;
  std::vector<std::string> hosts_;  ///< in lower case
  std::vector<std::variant<asio::ip::network_v4, asio::ip::network_v6>> networks_;
};

}  // namespace darkroom
