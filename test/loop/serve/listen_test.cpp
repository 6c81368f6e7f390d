// SPDX-License-Identifier: MIT
#include "serve/listen.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"
#include "support/socket.hpp"

namespace netlab::serve::listen_test {

using namespace test;

namespace {

std::vector<asio::ip::address> addresses(std::initializer_list<const char*> figures) {
  std::vector<asio::ip::address> all;
  for (const char* each : figures) all.push_back(asio::ip::make_address(each));
  return all;
}

}  // namespace

TEST_CASE("listen: port 0 takes one free number for all sockets", "[serve][loop]") {
  const auto opened = listen({.addresses = addresses({"127.0.0.1", "127.0.0.2"}), .tcp = true, .udp = true});
  REQUIRE(opened);
  REQUIRE(opened->size() == 4);
  CHECK(opened->front().port != 0);
  for (const bound& each : *opened) CHECK(each.port == opened->front().port);
}

TEST_CASE("listen: without an address it is loopback, of each family there is", "[serve][loop]") {
  const auto opened = listen({});
  REQUIRE(opened);
  CHECK(opened->size() == (has_ipv6() ? 2U : 1U));
  for (const bound& each : *opened) CHECK(each.address.is_loopback());
}

TEST_CASE("listen: an address that comes twice is listened on once", "[serve][loop]") {
  CHECK(listen({.addresses = addresses({"127.0.0.1", "127.0.0.1"})}).value().size() == 1);
}

TEST_CASE("listen: both wildcards stand beside each other", "[serve][loop]") {
  const auto opened = listen({.addresses = parse_bind("any").value(), .tcp = true, .udp = true});
  REQUIRE(opened);
  CHECK(opened->size() == (has_ipv6() ? 4U : 2U));
}

TEST_CASE("listen: only wildcard sockets ask where each datagram was sent to", "[serve][loop]") {
  for (const char* where : {"127.0.0.1", "0.0.0.0", "::1", "::"}) {
    if (std::string_view(where).starts_with("::") && !has_ipv6()) continue;
    INFO(where);
    const auto opened = listen({.addresses = addresses({where}), .tcp = false, .udp = true});
    REQUIRE(opened);
    const bound& one = opened->front();
    int asks = -1;
    socklen_t size = sizeof asks;
    REQUIRE(::getsockopt(one.sockets.front().get(), one.address.is_v6() ? IPPROTO_IPV6 : IPPROTO_IP,
                         one.address.is_v6() ? IPV6_RECVPKTINFO : IP_PKTINFO, &asks, &size) == 0);
    CHECK((asks != 0) == one.address.is_unspecified());
  }
}

TEST_CASE("listen: -4 and -6 restrict, and may leave nothing", "[serve][loop]") {
  const auto v4 = listen({.restrict_to = net::family::ipv4});
  REQUIRE(v4);
  CHECK(v4->size() == 1);
  CHECK(v4->front().address.is_v4());
  const auto none = listen({.addresses = addresses({"127.0.0.1"}), .restrict_to = net::family::ipv6});
  CHECK(failed_with(none, errc::usage));
}

TEST_CASE("listen: a port in use is refused with the cure, TCP and UDP, with one socket a port or several",
          "[serve][loop]") {
  for (const bool is_tcp : {true, false})
    for (const unsigned first : {1U, 3U})
      for (const unsigned second : {1U, 3U}) {
        INFO((is_tcp ? "tcp" : "udp") << ", " << first << " and " << second);
        listen_options options{
            .addresses = addresses({"127.0.0.1"}), .tcp = is_tcp, .udp = !is_tcp, .sockets_each = first};
        const auto here = listen(options);
        REQUIRE(here);
        CHECK(here->front().sockets.size() == first);
        options.port = here->front().port;
        options.sockets_each = second;
        const auto again = listen(options);
        REQUIRE_FALSE(again);
        CHECK(again.error().code == std::errc::address_in_use);
        const std::string port = std::to_string(options.port);
        CHECK(why(again).starts_with("listen " + std::string(is_tcp ? "tcp" : "udp") + " 127.0.0.1:" + port +
                                     ": address already in use ("));
        CHECK(why(again).find("netlab sockets --listen --port") != std::string::npos);
      }
}

TEST_CASE("listen: a port that another program shares is no port for us", "[serve][loop]") {
  const bound_socket other(SOCK_STREAM);
  const int on = 1;
  ::setsockopt(other.fd(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const auto opened = listen({.addresses = addresses({"127.0.0.1"}), .port = other.port(), .sockets_each = 2});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == std::errc::address_in_use);
}

TEST_CASE("listen: if one socket cannot be had, none is kept", "[serve][loop]") {
  for (int attempt = 0; attempt < 20; ++attempt) {
    const bound_socket other(SOCK_DGRAM);
    const listen_options options{
        .addresses = addresses({"127.0.0.1"}), .port = other.port(), .tcp = true, .udp = true, .sockets_each = 2};
    const auto opened = listen(options);
    REQUIRE_FALSE(opened);
    if (why(opened).starts_with("listen tcp")) continue;  // another program uses this port for TCP: try another one
    const bound_socket free(SOCK_STREAM, 1, "127.0.0.1", other.port());  // throws if we still have it
    return;
  }
  FAIL("found no number that is free for TCP");
}

TEST_CASE("listen: an address that is not ours is refused", "[serve][loop]") {
  const auto opened = listen({.addresses = addresses({"192.0.2.1"}), .port = 5});
  REQUIRE_FALSE(opened);
  CHECK(why(opened) == "listen tcp 192.0.2.1:5: not an address of this machine (`ip address` lists them)");
}

TEST_CASE("listen: every socket of a shared port takes part", "[serve][loop]") {
  auto opened = listen({.addresses = addresses({"127.0.0.1"}), .sockets_each = 2});
  REQUIRE(opened);
  const auto& sockets = opened->front().sockets;
  std::vector<peer> peers;
  for (int count = 0; count < 64; ++count) peers.push_back(peer::tcp(opened->front().port));
  CHECK(test::is_ready(sockets[0].get(), POLLIN, wait_limit_ms));
  CHECK(test::is_ready(sockets[1].get(), POLLIN, wait_limit_ms));
}

}  // namespace netlab::serve::listen_test
