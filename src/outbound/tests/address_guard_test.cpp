#include "outbound/address_guard.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

asio::ip::address at(const std::string& text) { return asio::ip::make_address(text); }

TEST(AddressGuard, PublicAddresses) {
  const char* const all =
      "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 "
      "169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 "
      "198.17.255.255 198.20.0.0 198.51.99.255 203.0.114.0 223.255.255.255 2606:4700:4700::1111 2001:4860:4860::8888 2001:200::1 "
      "2003::1 3ffe::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2a00:1450:4001:800::200e";
  for (const auto& text : split(all, ' ')) EXPECT_TRUE(is_public(at(text))) << text;
}

TEST(AddressGuard, AddressesThatAreNotPublic) {
  const char* const all =
      "0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 "
      "168.63.129.16 169.254.0.0 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 "
      "192.168.0.1 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 "
      "240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:169.254.169.254 "
      "::ffff:10.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:7f00:1:: "
      "2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1 3fff::1 "
      "3fff:fff::1 4000::1 5f00::1 fc00::1 fdff::1 fe80::1 fe80::1%1 febf::1 "
      "fec0::1 ff02::1 ff0e::1";
  for (const auto& text : split(all, ' ')) EXPECT_FALSE(is_public(at(text))) << text;
}

TEST(AddressGuard, WhatIsAllowedIsOpen) {
  const AddressGuard guard({"10.1.0.0/16", "fd00:1::/32", "192.168.3.4", "Files.Intern.", " ::1 "});
  EXPECT_TRUE(guard.allows("anything", at("10.1.255.255")));
  EXPECT_TRUE(guard.allows("anything", at("::ffff:10.1.0.1"))) << "the same host";
  EXPECT_FALSE(guard.allows("anything", at("10.2.0.0")));
  EXPECT_TRUE(guard.allows("anything", at("fd00:1:2::3")));
  EXPECT_FALSE(guard.allows("anything", at("fd00:2::3")));
  EXPECT_TRUE(guard.allows("anything", at("192.168.3.4")));
  EXPECT_FALSE(guard.allows("anything", at("192.168.3.5")));
  EXPECT_TRUE(guard.allows("anything", at("::1")));
  EXPECT_TRUE(guard.allows("files.intern", at("172.16.9.9"))) << "whatever it is resolved to";
  EXPECT_FALSE(guard.allows("other.files.intern", at("172.16.9.9")));
  EXPECT_TRUE(guard.allows("anything", at("8.8.8.8")));
}

TEST(AddressGuard, WhatCanBeToldWithoutALookUp) {
  const AddressGuard closed, open({"localhost", "127.0.0.1"});
  for (const char* host : {"127.0.0.1", "::1", "10.0.0.1", "::ffff:127.0.0.1", "localhost", "LOCALHOST.", "a.localhost", "127.1",
                           "2130706433", "0x7f000001", "0x7f.1", "017700000001"})
    EXPECT_THROW(closed.check_name(host), Forbidden) << host;
  for (const char* host : {"example.org", "1.1.1.1", "2606:4700:4700::1111", "1st.example", "127.0.0.1.nip.io", "localhost.example.org"})
    EXPECT_NO_THROW(closed.check_name(host)) << host;
  for (const char* host : {"127.0.0.1", "localhost", "::ffff:127.0.0.1"}) EXPECT_NO_THROW(open.check_name(host)) << host;
  EXPECT_THROW(open.check_name("127.0.0.2"), Forbidden);
}

TEST(AddressGuard, WrongPermissionsAreRefused) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/8x", "::/129", "name/8", "http://host", "host:80",
                           "user@host", "two words", "10.0.0.0/-1"})
    EXPECT_THROW(AddressGuard({text}), InvalidInput) << text;
}

}  // namespace
}  // namespace darkroom
