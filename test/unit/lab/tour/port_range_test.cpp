// SPDX-License-Identifier: MIT
#include "lab/tour/port_range.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace netlab::lab::port_range_test {

TEST_CASE("port_range: two numbers, as the system writes them", "[lab][port_range]") {
  const auto range = parse_port_range("32768\t60999\n");
  REQUIRE(range.has_value());
  CHECK(*range == port_range{32768, 60999});
  CHECK(range->contains(32768));
  CHECK(range->contains(60999));
  CHECK_FALSE(range->contains(32767));
  CHECK_FALSE(range->contains(61000));
}

TEST_CASE("port_range: a range may be one port", "[lab][port_range]") {
  CHECK(parse_port_range("7 7") == port_range{7, 7});
}

TEST_CASE("port_range: anything else is none", "[lab][port_range]") {
  CHECK_FALSE(parse_port_range(GENERATE("", "1", "1 2 3", "2 1", "1 65536", "-1 2", "a b", "1,2")).has_value());
}

}  // namespace netlab::lab::port_range_test
