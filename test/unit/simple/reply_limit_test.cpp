// SPDX-License-Identifier: MIT
#include "simple/reply_limit.hpp"

#include <catch2/catch_test_macros.hpp>

#include <vector>

#include "support/start.hpp"

namespace netlab::simple::reply_limit_test {

using namespace std::chrono_literals;
using test::start;

namespace {

int allowed(simple::reply_limit& limit, std::uint64_t source, time_point now, int tries) {
  int taken = 0;
  for (int count = 0; count < tries; ++count) taken += limit.take(source, now) ? 1 : 0;
  return taken;
}

}  // namespace

TEST_CASE("reply limit: a burst, then so many a second", "[simple][unit]") {
  simple::reply_limit limit(20, 50, 1, start);
  CHECK(allowed(limit, 7, start, 1000) == 50);
  CHECK(allowed(limit, 7, start + 1s, 1000) == 20);
  CHECK(allowed(limit, 7, start + 2s, 1000) == 20);
}

TEST_CASE("reply limit: who asks too often takes nothing from others", "[simple][unit]") {
  simple::reply_limit limit(20, 50, 1, start);
  CHECK(allowed(limit, 0x7f000001, start, 1000) == 50);
  int served = 0;
  for (std::uint64_t neighbour = 2; neighbour < 258; ++neighbour)
    served += limit.take(0x7f000000 + neighbour, start) ? 1 : 0;
  CHECK(served >= 250);  // on average, one in 1,024 has the same bucket
}

TEST_CASE("reply limit: addresses in a row spread over the places", "[simple][unit]") {
  for (const std::uint64_t stride : {std::uint64_t{1}, std::uint64_t{1} << 16U, std::uint64_t{1} << 48U}) {
    simple::reply_limit limit(1, 1, 99, start);
    int served = 0;
    for (std::uint64_t count = 0; count < 1024; ++count) served += limit.take(count * stride, start) ? 1 : 0;
    // Random placement would hit 1 - 1/e of the buckets: 647.
    CHECK(served > 560);
    CHECK(served < 740);
  }
}

TEST_CASE("reply limit: another seed, other neighbours", "[simple][unit]") {
  const auto meets = [](std::uint64_t seed) {
    std::vector<std::uint64_t> found;
    for (std::uint64_t source = 1; source < 2000; ++source) {
      simple::reply_limit fresh(1, 1, seed, start);
      static_cast<void>(fresh.take(0, start));
      if (!fresh.take(source, start)) found.push_back(source);
    }
    return found;
  };
  CHECK(meets(1) != meets(2));
}

}  // namespace netlab::simple::reply_limit_test
