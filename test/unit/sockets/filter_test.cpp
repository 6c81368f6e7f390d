// SPDX-License-Identifier: MIT
#include "sockets/filter.hpp"

#include <linux/inet_diag.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstring>

#include "support/failure.hpp"

namespace netlab::sockets::filter_test {

using namespace test;

namespace {

std::string parsed(std::string_view text) {
  const auto ranges = parse_ports(text);
  if (!ranges) return why(ranges);
  std::string text_of_ranges;
  for (const port_range& each : *ranges)
    text_of_ranges += std::to_string(each.first) + "-" + std::to_string(each.last) + " ";
  return text_of_ranges;
}

entry with_ports(std::uint16_t local, std::uint16_t remote) {
  entry one;
  one.local.port = local;
  one.remote.port = remote;
  return one;
}

/// The same algorithm as the kernel's inet_diag_bc_run().
bool run(bytes_view program, const entry& one) {
  auto left = static_cast<long>(program.size());
  const auto load = [&](long at) {
    inet_diag_bc_op op{};
    REQUIRE(at + 4 <= static_cast<long>(program.size()));
    std::memcpy(&op, program.data() + at, sizeof op);
    return op;
  };
  while (left > 0) {
    const long at = static_cast<long>(program.size()) - left;
    const inet_diag_bc_op op = load(at);
    bool holds = true;
    switch (op.code) {
      case INET_DIAG_BC_JMP: holds = false; break;
      case INET_DIAG_BC_S_GE: holds = one.local.port >= load(at + 4).no; break;
      case INET_DIAG_BC_S_LE: holds = one.local.port <= load(at + 4).no; break;
      case INET_DIAG_BC_D_GE: holds = one.remote.port >= load(at + 4).no; break;
      case INET_DIAG_BC_D_LE: holds = one.remote.port <= load(at + 4).no; break;
      default: FAIL("an operation that is not used");
    }
    left -= holds ? op.yes : op.no;
  }
  return left == 0;
}

}  // namespace

TEST_CASE("filter: port lists as people write them", "[sockets][filter]") {
  CHECK(parsed("80") == "80-80 ");
  CHECK(parsed("1-50,443,8000-") == "1-50 443-443 8000-65535 ");
  CHECK(parsed("all").empty());
  for (const std::string_view bad : {"", "0", "65536", "80-22", "1,,2", "-5", "a", "80 "})
    CHECK(failed_with(parse_ports(bad), errc::usage));
}

TEST_CASE("filter: the kernel's program says what matches() says", "[sockets][filter]") {
  for (const std::string_view list : {"80", "1-50,443,8000-", "65535", "1-65535", "22,23,25,53,80,110,143,443"}) {
    const filter wanted{.ports = parse_ports(list).value()};
    const bytes program = port_program(wanted.ports);
    for (const auto local : std::array<std::uint16_t, 9>{0, 1, 50, 51, 80, 443, 7999, 8000, 65535})
      for (const auto remote : std::array<std::uint16_t, 6>{0, 22, 50, 81, 444, 65535}) {
        const entry one = with_ports(local, remote);
        CHECK(run(program, one) == matches(wanted, one));
      }
  }
}

TEST_CASE("filter: more ranges than a program may have are looked at here alone", "[sockets][filter]") {
  CHECK(port_program(std::vector<port_range>(256, {1, 1})).size() == 256 * 2 * 20 - 4);
  CHECK(port_program(std::vector<port_range>(257, {1, 1})).empty());
  CHECK(port_program({}).empty());
}

TEST_CASE("filter: a listener of UDP is a socket without a peer", "[sockets][filter]") {
  const filter wanted{.listening = true};
  entry one{.protocol = transport::udp, .state = state::closed};
  CHECK(matches(wanted, one));
  one.state = state::established;
  CHECK_FALSE(matches(wanted, one));
  CHECK_FALSE(matches(wanted, entry{.protocol = transport::tcp, .state = state::closed}));
  CHECK(matches(wanted, entry{.protocol = transport::tcp, .state = state::listen}));
}

}  // namespace netlab::sockets::filter_test
