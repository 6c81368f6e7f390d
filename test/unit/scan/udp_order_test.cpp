// SPDX-License-Identifier: MIT
#include "scan/udp_order.hpp"

#include <set>
#include <utility>

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan::udp_order_test {

TEST_CASE("udp_order: each port of each host is in exactly one part", "[scan][udp_order]") {
  for (const std::uint64_t targets : {0U, 1U, 2U, 5U, 16U})
    for (const std::uint64_t ports : {1U, 3U, 20U})
      for (const std::uint32_t count : {1U, 2U, 3U, 8U, 40U}) {
        CAPTURE(targets, ports, count);
        std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
        std::uint64_t asked = 0;
        for (std::uint32_t index = 1; index <= count; ++index) {
          const udp_order order(targets, ports, 7, {index, count});
          std::uint64_t mine = 0;
          for (std::uint64_t position = 0; position < order.hosts(); ++position) {
            const std::uint64_t target = order.host(position);
            REQUIRE(target < targets);
            for (const std::uint64_t port : order.ports_of(target)) {
              REQUIRE(port < ports);
              seen.emplace(target, port);
              ++mine;
            }
          }
          CHECK(mine == order.size());
          asked += mine;
        }
        CHECK(asked == targets * ports);
        CHECK(seen.size() == targets * ports);
      }
}

TEST_CASE("udp_order: with enough hosts, one part asks all ports of a host", "[scan][udp_order]") {
  for (std::uint32_t index = 1; index <= 4; ++index) {
    const udp_order order(10, 50, 3, {index, 4});
    CHECK(order.hosts() == (index <= 2 ? 3 : 2));
    for (std::uint64_t position = 0; position < order.hosts(); ++position)
      CHECK(order.ports_of(order.host(position)).size() == 50);
  }
}

TEST_CASE("udp_order: the seed decides the order of hosts and ports", "[scan][udp_order]") {
  const udp_order one(100, 100, 1, {});
  const udp_order same(100, 100, 1, {});
  const udp_order other(100, 100, 2, {});
  CHECK(one.ports_of(5) == same.ports_of(5));
  CHECK(one.ports_of(5) != other.ports_of(5));
  CHECK(one.ports_of(5) != one.ports_of(6));
  std::uint64_t moved = 0;
  for (std::uint64_t position = 0; position < 100; ++position) moved += one.host(position) != other.host(position);
  CHECK(moved > 50);
}

}  // namespace netlab::scan::udp_order_test
