// SPDX-License-Identifier: MIT
#include "scan/syn_schedule.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan::syn_schedule_test {

using namespace std::chrono_literals;

TEST_CASE("syn_schedule: after one second, then after twice as long each time", "[scan][unit]") {
  const syn_schedule kernel;
  CHECK(kernel.repetition(1) == 1s);
  CHECK(kernel.repetition(2) == 3s);
  CHECK(kernel.repetition(3) == 7s);
  CHECK(kernel.repetitions_before(1s) == 0);
  CHECK(kernel.repetitions_before(1001ms) == 1);
  CHECK(kernel.repetitions_before(5s) == 2);
}

TEST_CASE("syn_schedule: Linux repeats it at first after one second each", "[scan][unit]") {
  const syn_schedule kernel(4);
  CHECK(kernel.repetition(4) == 4s);
  CHECK(kernel.repetition(5) == 5s);
  CHECK(kernel.repetition(6) == 7s);
  CHECK(kernel.repetition(7) == 11s);
}

TEST_CASE("attempt_plan: without a number of retries each connection is kept for the timeout", "[scan][unit]") {
  const attempt_plan plan(syn_schedule(), 5s, std::nullopt);
  CHECK(plan.at(1).kept == 5s);
  CHECK(plan.at(2).kept == 5s);
  CHECK(plan.at(1).repetitions == 2);
}

TEST_CASE("attempt_plan: with one, the last connection is kept as long as its repetitions allow", "[scan][unit]") {
  const attempt_plan none(syn_schedule(), 5s, 0);
  CHECK(none.connections() == 1);
  CHECK(none.at(1).kept < 1s);
  CHECK(none.at(1).kept > 950ms);
  const attempt_plan one(syn_schedule(), 5s, 1);
  CHECK(one.connections() == 1);
  CHECK(one.at(1).repetitions == 1);
  CHECK(one.at(1).kept < 3s);
  const attempt_plan many(syn_schedule(), 5s, 4);
  CHECK(many.connections() == 3);
  CHECK(many.at(2).kept < 1s);
  CHECK(many.at(3).kept == 5s);
  const attempt_plan brief(syn_schedule(), 300ms, 2);
  CHECK(brief.connections() == 3);
  CHECK(brief.at(1).kept == 300ms);
}

}  // namespace netlab::scan::syn_schedule_test
