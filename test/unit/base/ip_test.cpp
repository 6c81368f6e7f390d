// SPDX-License-Identifier: MIT
#include "base/ip.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::ip_test {

using test::failed_with;
using test::why;

namespace {

std::uint32_t eth0_is_2(const std::string& name) { return name == "eth0" ? 2 : 0; }

ip_address parsed(std::string_view text) { return parse_ip(text, eth0_is_2).value(); }

}  // namespace

TEST_CASE("ip: both families in figures, and nothing else", "[base][ip]") {
  for (const char* text : {"192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::ffff:1", "fe80::1%2"})
    CHECK(to_string(parsed(text)) == text);
  CHECK(to_string(parsed("2001:DB8:0:0:0:0:0:1")) == "2001:db8::1");
  for (const char* text : {"", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1 ", "[::1]", "::1:", "localhost",
                           "192.0.2.1%eth0", "fe80::1%", "fe80::1%0", "fe80::1%eth1", "::1/128"})
    CHECK_FALSE(parse_ip(text, eth0_is_2));
  CHECK_FALSE(parse_ip(std::string_view("::1\0x", 5)));
}

TEST_CASE("ip: an interface is a number, or a name where somebody knows it", "[base][ip]") {
  CHECK(parsed("fe80::1%eth0").scope == 2);
  CHECK(parse_ip("fe80::1%7")->scope == 7);
  CHECK_FALSE(parse_ip("fe80::1%eth0"));
}

TEST_CASE("ip: octets and back", "[base][ip]") {
  const ip_address six = parsed("2001:db8::fe:1");
  CHECK(ip_address::v6(six.octets()) == six);
  CHECK(parsed("192.0.2.1").octets()[3] == 1);
  CHECK(to_string(parsed("2001:db8::ffff:ffff:ffff:ffff").plus(1)) == "2001:db8:0:1::");
}

TEST_CASE("ip: the addresses between two of one interface are on that interface", "[base][ip]") {
  CHECK(parsed("fe80::1%2") < parsed("fe80::2%2"));
  CHECK(parsed("fe80::9%2") < parsed("fe80::1%3"));
  CHECK(parsed("255.255.255.255") < parsed("::"));
}

TEST_CASE("ip: kinds", "[base][ip]") {
  CHECK(parsed("127.3.2.1").is_loopback());
  CHECK(parsed("::1").is_loopback());
  CHECK(parsed("0.0.0.0").is_unspecified());
  CHECK(parsed("::").is_unspecified());
  for (const char* text : {"224.0.0.1", "239.255.255.255", "ff02::1"}) CHECK(parsed(text).is_multicast());
  for (const char* text : {"223.255.255.255", "240.0.0.0", "fe80::1"}) CHECK_FALSE(parsed(text).is_multicast());
  for (const char* text : {"fe80::1", "febf::1"}) CHECK(parsed(text).is_link_local());
  CHECK_FALSE(parsed("fec0::1").is_link_local());
}

TEST_CASE("ip: a link-local address wants its interface", "[base][ip]") {
  CHECK(why(check_interface(parsed("fe80::1"))) ==
        "'fe80::1' is a link-local address and needs an interface (write fe80::1%eth0)");
  CHECK(failed_with(check_interface(parsed("ff02::1")), errc::usage));
  for (const char* text : {"fe80::1%eth0", "ff02::1%2", "::1", "192.0.2.1"}) CHECK(check_interface(parsed(text)));
}

TEST_CASE("ip: the address that is really reached", "[base][ip]") {
  const auto reached = [](std::string_view text) { return to_string(as_reached(parsed(text))); };
  CHECK(reached("0.0.0.0") == "127.0.0.1");
  CHECK(reached("::") == "::1");
  CHECK(reached("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(reached("::ffff:0.0.0.0") == "127.0.0.1");
  CHECK(reached("::1%eth0") == "::1");
  CHECK(reached("fe80::1%eth0") == "fe80::1%2");
  CHECK(reached("192.0.2.1") == "192.0.2.1");
}

}  // namespace netlab::ip_test
