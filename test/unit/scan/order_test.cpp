// SPDX-License-Identifier: MIT
#include "scan/order.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <vector>

namespace netlab::scan::order_test {

TEST_CASE("order: everything is visited exactly once", "[scan][unit]") {
  const std::uint64_t size = GENERATE(1U, 2U, 3U, 7U, 50U, 64U, 65U, 1000U, 65535U);
  const std::uint64_t seed = GENERATE(0U, 1U, 42U);
  const permutation order(size, seed);
  std::vector<bool> seen(size);
  for (std::uint64_t place = 0; place < size; ++place) {
    const std::uint64_t element = order(place);
    REQUIRE(element < size);
    REQUIRE_FALSE(seen[element]);
    seen[element] = true;
    REQUIRE(order.place_of(element) == place);
  }
}

TEST_CASE("order: a seed gives the same order again, another seed another", "[scan][unit]") {
  const permutation one(1000, 7);
  const permutation again(1000, 7);
  const permutation other(1000, 8);
  unsigned same = 0;
  unsigned fixed = 0;
  for (std::uint64_t place = 0; place < 1000; ++place) {
    CHECK(one(place) == again(place));
    same += one(place) == other(place) ? 1U : 0U;
    fixed += one(place) == place ? 1U : 0U;
  }
  CHECK(same < 15);
  CHECK(fixed < 15);
}

TEST_CASE("order: a huge space needs no memory", "[scan][unit]") {
  const std::uint64_t size = (std::uint64_t{1} << 24) * 65535;
  const permutation order(size, 1);
  for (std::uint64_t place = 0; place < size; place += size / 1000) CHECK(order(place) < size);
}

}  // namespace netlab::scan::order_test
