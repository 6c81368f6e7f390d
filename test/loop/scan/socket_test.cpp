// SPDX-License-Identifier: MIT
#include "scan/io/socket.hpp"

#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"
#include "support/socket.hpp"

namespace netlab::scan::socket_test {

using test::bound_socket;

TEST_CASE("scan socket: an address and a port come back from the kernel's form", "[scan][socket]") {
  for (const auto text : {"127.0.0.1", "255.255.255.255", "::1", "2001:db8::ff:1"}) {
    const socket_address one(*parse_ip(text), 65'535);
    CHECK(to_string(one.host()) == text);
    CHECK(one.port() == 65'535);
  }
  address link = *parse_ip("fe80::1");
  link.scope = 7;
  CHECK(socket_address(link, 1).host() == link);
}

TEST_CASE("scan socket: an ICMP message has its sender; what is not one is nothing", "[scan][socket]") {
  net::queued_error queued{
      .from = net::queued_error::origin::icmp, .type = 3, .code = 13, .system_error = EHOSTUNREACH};
  REQUIRE(icmp_of(queued));
  CHECK(!icmp_of(queued)->sender);
  const socket_address router(*parse_ip("192.0.2.1"), 0);
  std::memcpy(&queued.sender, &router.any, router.size);
  const auto message = icmp_of(queued);
  REQUIRE(message);
  CHECK(!message->is_v6);
  CHECK(message->code == 13);
  CHECK(message->sender == parse_ip("192.0.2.1"));
  queued.from = net::queued_error::origin::local;
  CHECK(!icmp_of(queued));
}

TEST_CASE("scan socket: a source is an address of this machine", "[scan][socket]") {
  CHECK(check_source(address::v4(0x7f000001)));
  const auto bad = check_source(*parse_ip("192.0.2.77"));
  REQUIRE(!bad);
  CHECK(describe(bad.error()).starts_with("bind to 192.0.2.77: "));
}

TEST_CASE("scan socket: an address to ask from is fit for targets that can be reached from it", "[scan][socket]") {
  const address loopback = address::v4(0x7f000001);
  const address foreign = *parse_ip("192.0.2.77");
  CHECK(has_local_address(loopback, {}));
  CHECK(has_local_address(loopback, std::array{loopback}));
  CHECK(has_local_address(loopback, std::array{foreign, loopback}));
  CHECK(!has_local_address(loopback, std::array{foreign}));
  CHECK(has_local_address(loopback, std::array{*parse_ip("::1")}));  // the other family: the system chooses
}

TEST_CASE("scan socket: an error's origin is this machine, or the sender of the ICMP message", "[scan][socket]") {
  const own_addresses own;
  const address target = *parse_ip("192.0.2.77");
  const address loopback = address::v4(0x7f000001);
  CHECK(own.contains(loopback));
  CHECK(!own.contains(target));
  CHECK(origin_of({}, target, own).empty());
  CHECK(origin_of({.is_local = true}, target, own) == "local");
  CHECK(origin_of({.sender = *parse_ip("192.0.2.254")}, target, own) == "192.0.2.254");
  CHECK(origin_of({.sender = target}, target, own) == "192.0.2.77");
  // No host answers for the target on its link; this machine reports that.
  CHECK(origin_of({.sender = loopback}, target, own) == "local");
  CHECK(origin_of({.sender = loopback}, loopback, own) == "127.0.0.1");
}

TEST_CASE("scan socket: a scope is told as the interface's name, or its number where there is none", "[scan][socket]") {
  address link = *parse_ip("fe80::1");
  CHECK(with_interface(link) == "fe80::1");
  link.scope = ::if_nametoindex("lo");
  CHECK(with_interface(link) == (link.scope == 0 ? "fe80::1" : "fe80::1%lo"));
  link.scope = 0x7ffffffe;
  CHECK(with_interface(link) == "fe80::1%2147483646");
}

TEST_CASE("scan socket: the ends of a connection are those of the other's", "[scan][socket]") {
  const bound_socket listener(SOCK_STREAM);
  const netlab::test::peer one = netlab::test::peer::tcp(listener.port());
  const auto local = local_end_of(one.fd());
  const auto remote = remote_end_of(one.fd());
  REQUIRE(local);
  REQUIRE(remote);
  CHECK(remote->port() == listener.port());
  const netlab::test::peer other = listener.accept();
  CHECK(remote_end_of(other.fd())->port() == local->port());
  CHECK(!remote_end_of(listener.fd()));
}

}  // namespace netlab::scan::socket_test
