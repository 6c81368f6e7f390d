// SPDX-License-Identifier: MIT
#include "scan/packet_clock.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace netlab::scan::packet_clock_test {
namespace {

using namespace std::chrono_literals;

constexpr time_point steady{1h};
constexpr duration wall = 500'000h;

TEST_CASE("packet_clock: a packet's age is the same by both clocks", "[scan][unit]") {
  packet_clock times(10ms);
  times.update(steady, wall);
  CHECK(times.at(wall - 3ms) == steady - 3ms);
  times.update(steady + 20ms, wall + 20ms);
  CHECK(times.at(wall + 5ms) == steady + 5ms);
  CHECK(times.at(wall - 2ms) == steady - 2ms);  // its block was full later
}

TEST_CASE("packet_clock: a packet from before or after the machine was suspended", "[scan][unit]") {
  const duration suspended = GENERATE(1s, 60s, 24h);
  packet_clock times(10ms);
  times.update(steady, wall);
  times.update(steady + 50ms, wall + 50ms + suspended);
  CHECK(times.at(wall + 20ms) == steady + 20ms);
  CHECK(times.at(wall + 45ms + suspended) == steady + 45ms);
}

TEST_CASE("packet_clock: a wall clock that is set back changes no packet's time", "[scan][unit]") {
  packet_clock times(10ms);
  times.update(steady, wall);
  times.update(steady + 50ms, wall + 50ms - 1h);
  CHECK(times.at(wall + 20ms) == steady + 20ms);
  CHECK(times.at(wall + 45ms - 1h) == steady + 45ms);
  times.update(steady + 60ms, wall + 60ms - 1h);
  CHECK(times.at(wall + 55ms - 1h) == steady + 55ms);
}

TEST_CASE("packet_clock: no packet is from the future, and none is older than those handed over before",
          "[scan][unit]") {
  packet_clock times(10ms);
  times.update(steady, wall);
  times.update(steady + 50ms, wall + 50ms);
  CHECK(times.at(wall + 1h) == steady + 50ms);
  CHECK(times.at(wall - 1h) == steady - 10ms);
}

}  // namespace
}  // namespace netlab::scan::packet_clock_test
