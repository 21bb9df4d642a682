#include "outbound/address_guard.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

using asio::ip::address;
using asio::ip::address_v4;
using asio::ip::address_v6;

/// The IPv4 special-purpose registry (RFC 6890 and its successors), multicast and what is reserved.
struct Range {
  std::array<unsigned char, 4> network;
  int bits;
};
constexpr Range kSpecial[] = {
    {{0, 0, 0, 0}, 8},         // this network
    {{10, 0, 0, 0}, 8},        // private
    {{100, 64, 0, 0}, 10},     // shared address space
    {{127, 0, 0, 0}, 8},       // loopback
    {{168, 63, 129, 16}, 32},  // the machine agent of Azure, which is reached from inside alone
    {{169, 254, 0, 0}, 16},    // link-local, metadata of clouds among it
    {{172, 16, 0, 0}, 12},     // private
    {{192, 0, 0, 0}, 24},      // protocol assignments
    {{192, 0, 2, 0}, 24},      // documentation
    {{192, 88, 99, 0}, 24},    // 6to4 relays
    {{192, 168, 0, 0}, 16},    // private
    {{198, 18, 0, 0}, 15},     // benchmarks
    {{198, 51, 100, 0}, 24},   // documentation
    {{203, 0, 113, 0}, 24},    // documentation
    {{224, 0, 0, 0}, 4},       // multicast
    {{240, 0, 0, 0}, 4},       // reserved, broadcast
};

bool starts_with(const unsigned char* bytes, const unsigned char* network, int bits) {
  for (int i = 0; bits > 0; ++i, bits -= 8) {
    const auto mask = static_cast<unsigned char>(bits >= 8 ? 0xff : 0xff << (8 - bits));
    if ((bytes[i] & mask) != (network[i] & mask)) return false;
  }
  return true;
}

/// A connection to one's own public address stays inside the machine, where no firewall is in its way.
bool is_of_this_machine(const address& target) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return true;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> freed(list, &::freeifaddrs);
  for (const ifaddrs* one = list; one; one = one->ifa_next) {
    if (!one->ifa_addr) continue;
    if (one->ifa_addr->sa_family == AF_INET && target.is_v4()) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      if (address_v4(ntohl(v4->sin_addr.s_addr)) == target.to_v4()) return true;
    } else if (one->ifa_addr->sa_family == AF_INET6 && target.is_v6()) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
      if (std::memcmp(v6->sin6_addr.s6_addr, target.to_v6().to_bytes().data(), 16) == 0) return true;
    }
  }
  return false;
}

bool is_public_v4(const address_v4::bytes_type& bytes) {
  return std::ranges::none_of(kSpecial, [&](const Range& range) { return starts_with(bytes.data(), range.network.data(), range.bits); });
}

/// The IPv4 address that the last four bytes hold, for the forms that stand for one: ::ffff:0:0/96 and 64:ff9b::/96.
std::optional<address_v4::bytes_type> embedded(const address_v6::bytes_type& bytes) {
  constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  constexpr unsigned char kNat64[12] = {0, 0x64, 0xff, 0x9b};
  if (!starts_with(bytes.data(), kMapped, 96) && !starts_with(bytes.data(), kNat64, 96)) return std::nullopt;
  return address_v4::bytes_type{bytes[12], bytes[13], bytes[14], bytes[15]};
}

/// Of what IANA has opened, 2000::/3, without its special parts.
bool is_public_v6(const address_v6::bytes_type& bytes) {
  if (const auto inner = embedded(bytes)) return is_public_v4(*inner);
  constexpr unsigned char kGlobal[] = {0x20}, kProtocols[] = {0x20, 0x01, 0x00}, kDocumentation[] = {0x20, 0x01, 0x0d, 0xb8},
                          k6to4[] = {0x20, 0x02}, kDocumentation2[] = {0x3f, 0xff, 0x00};
  return starts_with(bytes.data(), kGlobal, 3) && !starts_with(bytes.data(), kProtocols, 23) &&
         !starts_with(bytes.data(), kDocumentation, 32) && !starts_with(bytes.data(), k6to4, 16) &&
         !starts_with(bytes.data(), kDocumentation2, 20);
}

/// As names are compared: lower case, without the dot of the root.
std::string plain(std::string_view host) {
  std::string name = lower(host);
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  return name;
}

/// "127.1", "0x7f000001", "2130706433": numbers that some resolvers take for addresses.
bool is_odd_number(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  const bool hexadecimal = last.starts_with("0x");
  return !last.empty() && (hexadecimal || last.find_first_not_of("0123456789") == last.npos);
}

address as_it_is(const address& given) {
  return given.is_v6() && given.to_v6().is_v4_mapped() ? address(asio::ip::make_address_v4(asio::ip::v4_mapped, given.to_v6())) : given;
}

}  // namespace

bool is_public(const address& given) {
  return given.is_v4() ? is_public_v4(given.to_v4().to_bytes()) : is_public_v6(given.to_v6().to_bytes());
}

AddressGuard::AddressGuard(const std::vector<std::string>& allowed) {
  for (const std::string& text : allowed) {
    const std::string one = plain(trim(text));
    const auto slash = one.find('/');
    boost::system::error_code fault;
    const address number = asio::ip::make_address(one.substr(0, slash), fault);
    int bits = !fault && number.is_v4() ? 32 : 128;
    const int most = bits;
    const char* end = one.data() + one.size();
    bool good = !one.empty();
    if (slash != one.npos)
      good = !fault && std::from_chars(one.data() + slash + 1, end, bits).ptr == end && slash + 1 < one.size() && bits >= 0 && bits <= most;
    else if (fault) good = good && one.find_first_of(":@/?#[] ") == one.npos;
    if (!good) throw InvalidInput(fmt::format("--outbound-allow: \"{}\" is no host, address or network such as 10.1.0.0/16", text));
    if (fault) hosts_.push_back(one);
    else if (number.is_v4()) networks_.emplace_back(asio::ip::network_v4(number.to_v4(), static_cast<unsigned short>(bits)).canonical());
    else networks_.emplace_back(asio::ip::network_v6(number.to_v6(), static_cast<unsigned short>(bits)).canonical());
  }
}

bool AddressGuard::names(std::string_view host) const { return std::ranges::find(hosts_, plain(host)) != hosts_.end(); }

bool AddressGuard::allows(std::string_view host, const address& given) const {
  const address target = as_it_is(given);
  if (names(host) || (is_public(given) && !is_of_this_machine(target))) return true;
  return std::ranges::any_of(networks_, [&](const auto& network) {
    if (const auto* v4 = std::get_if<asio::ip::network_v4>(&network))
      return target.is_v4() && asio::ip::network_v4(target.to_v4(), v4->prefix_length()).canonical() == *v4;
    const auto& v6 = std::get<asio::ip::network_v6>(network);
    return target.is_v6() && asio::ip::network_v6(target.to_v6(), v6.prefix_length()).canonical() == v6;
  });
}

void AddressGuard::check_name(std::string_view host) const {
  const std::string name = plain(host);
  boost::system::error_code fault;
  const address number = asio::ip::make_address(name, fault);
  const bool refused =
      fault ? !names(name) && (name == "localhost" || name.ends_with(".localhost") || is_odd_number(name)) : !allows(name, number);
  if (refused) throw Forbidden(fmt::format("{} is no address of the public Internet; --outbound-allow opens others", host));
}

}  // namespace darkroom
