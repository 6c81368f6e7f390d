// SPDX-License-Identifier: MIT
#include "net/error_queue.hpp"

#include <array>
#include <cerrno>

#include <catch2/catch_test_macros.hpp>

#include "net/asio.hpp"
#include "net/icmp.hpp"
#include "support/socket.hpp"

namespace netlab::net::error_queue_test {

using test::bound_socket;
using test::closed_port;

namespace {

std::uint16_t port_of(const sockaddr_storage& end) {
  return ntohs(reinterpret_cast<const sockaddr_in&>(end).sin_port);  // at the same offset in both families
}

void check_refusal(const char* figures, bool is_v6) {
  const std::uint16_t closed = closed_port(figures);
  const bound_socket from(SOCK_DGRAM, 0, figures);
  want_error_queue(from.fd(), is_v6);
  CHECK(!take_queued_error(from.fd()));
  const netlab::test::address to(figures, closed);
  REQUIRE(::sendto(from.fd(), "x", 1, 0, to.data(), to.length) == 1);
  REQUIRE(netlab::test::is_ready(from.fd(), POLLERR, netlab::test::wait_limit_ms));
  const auto queued = take_queued_error(from.fd());
  REQUIRE(queued);
  CHECK(queued->is_icmp());
  CHECK(queued->from == (is_v6 ? queued_error::origin::icmpv6 : queued_error::origin::icmp));
  CHECK(queued->type == (is_v6 ? 1 : 3));
  CHECK(queued->code == (is_v6 ? 4 : 3));
  CHECK(queued->system_error == ECONNREFUSED);
  CHECK(port_of(queued->to) == closed);
  const int family = is_v6 ? AF_INET6 : AF_INET;
  CHECK(queued->to.ss_family == family);
  REQUIRE(queued->sender.ss_family == family);
  std::array<char, INET6_ADDRSTRLEN> sender{};
  const void* const octets =
      is_v6 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(queued->sender).sin6_addr)
            : &reinterpret_cast<const sockaddr_in&>(queued->sender).sin_addr;
  REQUIRE(::inet_ntop(family, octets, sender.data(), sender.size()) != nullptr);
  CHECK(std::string(sender.data()) == figures);
  CHECK(!take_queued_error(from.fd()));
}

}  // namespace

TEST_CASE("error queue: it has the ICMP message, its sender, and where the packet was to go", "[net][icmp]") {
  check_refusal("127.0.0.1", false);
  if (netlab::test::has_ipv6()) check_refusal("::1", true);
}

TEST_CASE("error queue: an error of this machine is told from one of the network", "[net][icmp]") {
  const bound_socket to(SOCK_DGRAM);
  const netlab::test::peer from = netlab::test::peer::udp(to.port());
  want_error_queue(from.fd(), false);
  const int never_in_fragments = IP_PMTUDISC_DO;
  REQUIRE(::setsockopt(from.fd(), IPPROTO_IP, IP_MTU_DISCOVER, &never_in_fragments, sizeof never_in_fragments) == 0);
  int mtu = 0;
  socklen_t size = sizeof mtu;
  REQUIRE(::getsockopt(from.fd(), IPPROTO_IP, IP_MTU, &mtu, &size) == 0);
  if (mtu > 65'000) SUCCEED("a datagram is not larger than this");
  const std::string large(static_cast<std::size_t>(std::min(mtu, 65'500)), 'x');
  if (::send(from.fd(), large.data(), large.size(), 0) >= 0) return;
  REQUIRE(errno == EMSGSIZE);
  const auto queued = take_queued_error(from.fd());
  REQUIRE(queued);
  CHECK(queued->from == queued_error::origin::local);
  CHECK(!queued->is_icmp());
  CHECK(queued->system_error == EMSGSIZE);
  CHECK(queued->sender.ss_family == AF_UNSPEC);
}

// A UNIX socket ignores MSG_ERRQUEUE and returns ordinary data, as qemu-user does when the queue is empty.
TEST_CASE("error queue: what is not of the queue ends it, though the call succeeds", "[net][icmp]") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const unique_fd near(ends[0]);
  const unique_fd far(ends[1]);
  REQUIRE(::send(far.get(), "", 0, 0) == 0);
  CHECK(!take_queued_error(near.get()));
}

TEST_CASE("error queue: to empty it ends even where it never is", "[net][icmp]") {
  asio::io_context context;
  udp::socket from(context, {asio::ip::address_v4::loopback(), 0});
  want_icmp_errors(from);
  from.connect({asio::ip::address_v4::loopback(), closed_port("127.0.0.1")});
  std::error_code error;
  std::error_code icmp_error;
  for (int count = 0; count < 3; ++count) error = send_past_icmp(from, asio::buffer("x", 1), icmp_error);
  CHECK(!error);
  CHECK(icmp_error == std::errc::connection_refused);
  REQUIRE(netlab::test::is_ready(from.native_handle(), POLLERR, netlab::test::wait_limit_ms));
  CHECK(take_icmp_error(from) == std::errc::connection_refused);
  CHECK(!take_icmp_error(from));
}

}  // namespace netlab::net::error_queue_test
