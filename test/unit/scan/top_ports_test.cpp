// SPDX-License-Identifier: MIT
#include "scan/top_ports.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>

#include "scan/payloads.hpp"

namespace netlab::scan::top_ports_test {

namespace {
constexpr std::array<std::uint16_t, 3> registered{7, 22, 6667};
}

TEST_CASE("top_ports: the survey comes first, most often open first", "[scan][unit]") {
  CHECK(top_ports(transport::tcp, 5, registered) == std::vector<std::uint16_t>{80, 443, 22, 25, 21});
}

TEST_CASE("top_ports: behind the survey come the registered ports, then the rest", "[scan][unit]") {
  const auto ports = top_ports(transport::tcp, surveyed_tcp_ports().size() + 4, registered);
  CHECK(std::vector(ports.end() - 4, ports.end()) == std::vector<std::uint16_t>{7, 6667, 1, 2});
}

TEST_CASE("top_ports: over UDP, the ports that have a request come first", "[scan][unit]") {
  const auto known = payload_ports();
  CHECK(top_ports(transport::udp, known.size(), registered) == known);
}

TEST_CASE("top_ports: any number, each port once, never 0", "[scan][unit]") {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{65535}}) {
    for (const transport protocol : {transport::tcp, transport::udp}) {
      auto ports = top_ports(protocol, count, registered);
      CHECK(ports.size() == count);
      std::ranges::sort(ports);
      CHECK(std::ranges::adjacent_find(ports) == ports.end());
      CHECK((ports.empty() || ports.front() != 0));
    }
  }
}

}  // namespace netlab::scan::top_ports_test
