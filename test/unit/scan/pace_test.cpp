// SPDX-License-Identifier: MIT
#include "scan/pace.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/start.hpp"

namespace netlab::scan::pace_test {

using namespace std::chrono_literals;
using test::start;

TEST_CASE("rate_limit: no more than the rate, and no less where it is asked often", "[scan][unit]") {
  const double rate = GENERATE(1.0, 10.0, 1000.0, 33333.0);
  const auto step = GENERATE(10us, 1ms);
  rate_limit limit(rate, start);
  double taken = 0;
  for (time_point now = start; now < start + 10s; now += step)
    while (limit.take(now)) taken += 1;
  CHECK(taken <= 10 * rate + std::min(64.0, rate / 100) + 1);
  CHECK(taken >= 10 * rate * 0.99 - 1);
}

TEST_CASE("rate_limit: a pause is not made up for", "[scan][unit]") {
  rate_limit limit(100, start);
  CHECK(limit.take(start));
  unsigned taken = 0;
  while (limit.take(start + 1min)) ++taken;
  CHECK(taken <= 2);
}

TEST_CASE("stall_detector: a call more than a second after the one before", "[scan][unit]") {
  stall_detector stall;
  CHECK_FALSE(stall.has_stalled(start));
  CHECK_FALSE(stall.has_stalled(start + 1s));
  CHECK(stall.has_stalled(start + 2001ms));
  CHECK_FALSE(stall.has_stalled(start + 2002ms));
  CHECK(stall.next_call() > start + 2002ms);
  CHECK_FALSE(stall.has_stalled(stall.next_call()));
}

TEST_CASE("running_time: the clock hardly goes on in a pause, and as usual after it", "[scan][unit]") {
  running_time running;
  CHECK(running.at(start) == start);
  CHECK(running.at(start + 1s) == start + 1s);
  const time_point after = running.at(start + 1h);
  CHECK(after >= start + 1s);
  CHECK(after <= start + 1s + 10ms);
  CHECK(running.at(start + 1h + 500ms) == after + 500ms);
  CHECK(running.until(after + 2s) == start + 1h + 2s);
  CHECK(running.until(never) == never);
}

TEST_CASE("running_time: on a machine that always pauses it goes on, too", "[scan][unit]") {
  running_time running;
  for (int pauses = 0; pauses <= 100; ++pauses) static_cast<void>(running.at(start + pauses * 2s));
  CHECK(running.at(start + 202s) >= start + 1s);
}

TEST_CASE("rate_limit: next() is when take() succeeds", "[scan][unit]") {
  rate_limit limit(10, start);
  CHECK(limit.take(start));
  CHECK_FALSE(limit.take(start));
  CHECK_FALSE(limit.take(limit.next() - 1ns));
  CHECK(limit.take(limit.next()));
}

TEST_CASE("rate_limit: what could not wait is made up for by the next", "[scan][unit]") {
  rate_limit limit(10, start);
  CHECK(limit.take(start));
  for (int count = 0; count < 2; ++count) limit.charge();
  CHECK(limit.next() == start + 300ms);
  CHECK_FALSE(limit.take(start + 299ms));
  CHECK(limit.take(start + 300ms));
}

TEST_CASE("rate_limit: 0 is no limit", "[scan][unit]") {
  rate_limit limit(0, start);
  for (int at = 0; at < 1000; ++at) CHECK(limit.take(start));
}

TEST_CASE("rtt_estimator: before the first sample the initial value, then RFC 6298", "[scan][unit]") {
  rtt_estimator rtt(1s, 10ms, 2s);
  CHECK(rtt.timeout() == 1s);
  rtt.add(100ms);
  CHECK(rtt.timeout() == 300ms);
  rtt.add(100ms);
  CHECK(rtt.timeout() == 250ms);
  for (int at = 0; at < 100; ++at) rtt.add(1ms);
  CHECK(rtt.timeout() == 10ms);
  for (int at = 0; at < 100; ++at) rtt.add(5s);
  CHECK(rtt.timeout() == 2s);
  CHECK(rtt.shortest() == 1ms);
}

TEST_CASE("rate_limit: packets that follow later are counted with the first", "[scan][unit]") {
  rate_limit limit(10, start);
  CHECK(limit.take(start, 3));
  CHECK(limit.next() >= start + 290ms);
}

TEST_CASE("rate_limit: less than one a second", "[scan][unit]") {
  rate_limit limit(0.5, start);
  CHECK(limit.take(start));
  CHECK_FALSE(limit.take(start + 1900ms));
  CHECK(limit.take(start + 2s));
}

TEST_CASE("window: grows with what ends, halves with heavy loss, ignores light loss", "[scan][unit]") {
  window size(64, 10'000);
  for (int at = 0; at < 500; ++at) {
    size.answered();
    size.ended(true);
  }
  const std::size_t grown = size.size();
  CHECK(grown == 564);
  for (int at = 0; at < 2000; ++at) {
    if (at % 20 == 0)
      size.lost(1);
    else
      size.answered();
    size.ended(false);
  }
  CHECK(size.size() == grown);
  for (int at = 0; at < 2000; ++at) {
    if (at % 2 == 0)
      size.lost(1);
    else
      size.answered();
    size.ended(false);
  }
  CHECK(size.size() < grown / 2);
  CHECK(size.size() >= 1);
}

TEST_CASE("window: never above what the system allows", "[scan][unit]") {
  window size(64, 100);
  for (int at = 0; at < 1000; ++at) size.ended(true);
  CHECK(size.size() == 100);
  size.shrink_to(5);
  CHECK(size.size() == 5);
  for (int at = 0; at < 10; ++at) size.ended(true);
  CHECK(size.size() <= 7);
  size.shrink_to(0);
  CHECK(size.size() == 1);
}

TEST_CASE("loss_estimate: more loss needs more tries", "[scan][unit]") {
  loss_estimate loss;
  CHECK(loss.tries(2, 65535) == 2);
  for (int at = 0; at < 10'000; ++at) loss.answered_at(1);
  CHECK(loss.tries(2, 65535) == 2);
  for (int at = 0; at < 50'000; ++at) loss.answered_at(at % 10 == 0 ? 2 : 1);
  CHECK(loss.rate() > 0.08);
  CHECK(loss.rate() < 0.1);
  CHECK(loss.tries(2, 65535) == 8);
  CHECK(loss.tries(10, 65535) == 10);
}

}  // namespace netlab::scan::pace_test
