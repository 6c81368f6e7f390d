// SPDX-License-Identifier: MIT
#include "scan/neighbours.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace netlab::scan::neighbours_test {

using namespace std::chrono_literals;

namespace {

using state = neighbour_table::state;
constexpr time_point start{};
constexpr mac_address mac{1, 2, 3, 4, 5, 6};

neighbour_table::key host(std::uint32_t number) { return {2, address::v4(number)}; }

}  // namespace

TEST_CASE("neighbours: probes wait until the host has answered", "[scan][neighbours]") {
  neighbour_table table;
  CHECK(table.find(host(1), start).now == state::unknown);
  CHECK(table.wait(host(1), {10, 1}, start));
  CHECK_FALSE(table.wait(host(1), {11, 1}, start));  // one question is enough
  CHECK(table.find(host(1), start).now == state::asking);
  CHECK_FALSE(table.is_idle());
  const auto released = table.learn(host(1), mac, start + 1ms);
  REQUIRE(released.size() == 2);
  CHECK(released[0].place == 10);
  CHECK(released[1].place == 11);
  CHECK(table.is_idle());
  CHECK(table.find(host(1), start).now == state::known);
  CHECK(table.find(host(1), start).mac == mac);
  CHECK_FALSE(table.tick(start + 10s));
}

TEST_CASE("neighbours: a host is asked three times, then it is silent for a while", "[scan][neighbours]") {
  neighbour_table table;
  CHECK(table.wait(host(1), {10, 1}, start));
  CHECK(table.wake() == start + 500ms);
  CHECK_FALSE(table.tick(start + 499ms));
  auto event = table.tick(start + 500ms);
  REQUIRE(event);
  CHECK_FALSE(event->is_silent);
  event = table.tick(start + 1s);
  REQUIRE(event);
  CHECK_FALSE(event->is_silent);
  event = table.tick(start + 1500ms);
  REQUIRE(event);
  CHECK(event->is_silent);
  REQUIRE(event->probes.size() == 1);
  CHECK(table.find(host(1), start + 2s).now == state::silent);
  CHECK(table.find(host(1), start + 22s).now == state::unknown);
  CHECK(table.wait(host(1), {10, 2}, start + 22s));
}

TEST_CASE("neighbours: what nobody asked for is not remembered", "[scan][neighbours]") {
  neighbour_table table;
  CHECK(table.learn(host(1), mac, start).empty());
  CHECK(table.find(host(1), start).now == state::unknown);
  CHECK(table.learn(host(1), mac, start, true).empty());
  CHECK(table.find(host(1), start).now == state::known);
}

TEST_CASE("neighbours: the table forgets its oldest hosts, but none for which a probe waits", "[scan][neighbours]") {
  neighbour_table table;
  CHECK(table.wait(host(1), {1, 1}, start));
  for (std::uint32_t number = 2; number < 70'000; ++number)
    static_cast<void>(table.learn(host(number), mac, start, true));
  CHECK(table.find(host(1), start).now == state::asking);
  CHECK(table.find(host(2), start).now == state::unknown);
  CHECK(table.find(host(69'999), start).now == state::known);
}

TEST_CASE("neighbours: as many probes as the limit may wait", "[scan][neighbours]") {
  neighbour_table table;
  for (std::uint64_t place = 0; place < neighbour_table::max_waiting; ++place) {
    CHECK_FALSE(table.is_full());
    static_cast<void>(table.wait(host(static_cast<std::uint32_t>(place % 3)), {place, 1}, start));
  }
  CHECK(table.is_full());
}

TEST_CASE("neighbours: a host is not silent because the clock has jumped", "[scan][neighbours]") {
  const int requests = GENERATE(1, 2, 3);
  neighbour_table table;
  time_point now = start;
  CHECK(table.wait(host(1), {10, 1}, now));
  for (int sent = 1; sent < requests; ++sent) CHECK_FALSE(table.tick(now += 500ms)->is_silent);
  now += 60s;
  auto event = table.tick(now);
  REQUIRE(event);
  CHECK_FALSE(event->is_silent);
  CHECK_FALSE(table.tick(now + 499ms));
  SECTION("and answers") { CHECK(table.learn(host(1), mac, now + 499ms).size() == 1); }
  SECTION("and is silent after three requests that count") {
    for (int sent = requests; sent < 3; ++sent) CHECK_FALSE(table.tick(now += 500ms)->is_silent);
    event = table.tick(now + 500ms);
    REQUIRE(event);
    CHECK(event->is_silent);
    CHECK(event->probes.size() == 1);
  }
}

TEST_CASE("neighbours: a host is silent at last even if the clock jumps at each request", "[scan][neighbours]") {
  neighbour_table table;
  time_point now = start;
  CHECK(table.wait(host(1), {10, 1}, now));
  int requests = 1;
  while (!table.tick(now += 60s)->is_silent) REQUIRE(++requests < 20);
  CHECK(table.is_idle());
}

}  // namespace netlab::scan::neighbours_test
