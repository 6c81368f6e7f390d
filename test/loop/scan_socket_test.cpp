// SPDX-License-Identifier: MIT
#include "scan/socket.hpp"

#include <net/if.h>

#include <array>
#include <cerrno>

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"
#include "support/socket.hpp"

using namespace netlab;
using namespace netlab::scan;
using netlab::test::bound_socket;

TEST_CASE("scan socket: an address and a port come back from the kernel's form", "[scan][socket]") {
  for (const auto text : {"127.0.0.1", "255.255.255.255", "::1", "2001:db8::ff:1"}) {
    const socket_address one(*parse_address(text), 65'535);
    CHECK(to_string(one.host()) == text);
    CHECK(one.port() == 65'535);
  }
  address link = *parse_address("fe80::1");
  link.scope = 7;
  CHECK(socket_address(link, 1).host() == link);
}

TEST_CASE("scan socket: the error queue has the ICMP message, and where its packet was to go", "[scan][socket]") {
  std::uint16_t closed = 0;
  {
    const bound_socket was_open(SOCK_DGRAM);
    closed = was_open.port();
  }
  const bound_socket from(SOCK_DGRAM);
  want_icmp(from.fd(), false);
  CHECK(!read_error_queue(from.fd()));
  const socket_address to(address::v4(0x7f000001), closed);
  REQUIRE(::sendto(from.fd(), "x", 1, 0, &to.any, to.size) == 1);
  REQUIRE(netlab::test::is_ready(from.fd(), POLLERR, netlab::test::patience_ms));
  const auto queued = read_error_queue(from.fd());
  REQUIRE(queued);
  CHECK(queued->from_network);
  CHECK(queued->message.type == 3);
  CHECK(queued->message.code == 3);
  CHECK(queued->message.system_error == ECONNREFUSED);
  CHECK(queued->to.port() == closed);
  CHECK(to_string(queued->to.host()) == "127.0.0.1");
  CHECK(!read_error_queue(from.fd()));
}

TEST_CASE("scan socket: a source is an address of this machine", "[scan][socket]") {
  CHECK(check_source(address::v4(0x7f000001)));
  const auto bad = check_source(*parse_address("192.0.2.77"));
  REQUIRE(!bad);
  CHECK(describe(bad.error()).starts_with("bind to 192.0.2.77: "));
}

TEST_CASE("scan socket: an address to ask from is fit for targets that can be reached from it", "[scan][socket]") {
  const address loopback = address::v4(0x7f000001);
  const address foreign = *parse_address("192.0.2.77");
  CHECK(has_local_address(loopback, {}));
  CHECK(has_local_address(loopback, std::array{loopback}));
  CHECK(has_local_address(loopback, std::array{foreign, loopback}));
  CHECK(!has_local_address(loopback, std::array{foreign}));
  CHECK(has_local_address(loopback, std::array{*parse_address("::1")}));  // not of its family: the system's choice
}

TEST_CASE("scan socket: a scope is told as the interface's name, or its number where there is none", "[scan][socket]") {
  address link = *parse_address("fe80::1");
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
