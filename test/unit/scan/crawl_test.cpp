// SPDX-License-Identifier: MIT
#include "scan/crawl.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/start.hpp"

namespace netlab::scan::crawl_test {

using namespace std::chrono_literals;
using test::start;

namespace {

/// For a second, many controls are lost and a port is answered now and then.
void overrun(crawl& pace, time_point& now) {
  for (unsigned at = 0; at < 100; ++at) {
    now += 10ms;
    pace.take(now);
    if (at % 20 == 0)
      pace.answered(now);
    else
      pace.control_lost(now - 5ms, true, now);
    if (pace.is_testing()) return;
  }
}

/// Sends controls only, each answered or not, until the test phase is over.
void test(crawl& pace, time_point& now, bool is_answered) {
  while (pace.is_testing()) {
    now = pace.next();
    pace.take(now);
    CHECK(pace.next() == never);
    if (is_answered)
      pace.control_answered(now, now + 1ms);
    else
      pace.control_lost(now, false, now + 100ms);
  }
}

}  // namespace

TEST_CASE("crawl: as long as controls are answered there is no pace", "[scan][unit]") {
  crawl pace(start);
  for (time_point now = start; now < start + 5s; now += 10ms) {
    CHECK(pace.next() <= now);
    pace.take(now);
    pace.control_answered(now, now);
  }
  CHECK_FALSE(pace.is_slow());
}

TEST_CASE("crawl: single controls tell a limit from a path that loses most packets", "[scan][unit]") {
  const bool is_limit = GENERATE(false, true);
  crawl pace(start);
  time_point now = start;
  overrun(pace, now);
  REQUIRE(pace.is_testing());
  CHECK(pace.next() > now + 400ms);
  test(pace, now, is_limit);
  CHECK(pace.is_slow() == is_limit);
  CHECK(pace.is_lossy() == !is_limit);
  CHECK((pace.changed() > start) == is_limit);
  pace.take(now + 1s);
  CHECK((pace.next() > now + 1s) == is_limit);
}

TEST_CASE("crawl: a control from before the test is not part of it", "[scan][unit]") {
  crawl pace(start);
  time_point now = start;
  overrun(pace, now);
  for (unsigned at = 0; at < 20; ++at) pace.control_lost(now - 1ms, true, now);
  CHECK(pace.is_testing());
}

}  // namespace netlab::scan::crawl_test
