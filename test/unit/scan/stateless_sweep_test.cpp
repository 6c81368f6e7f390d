// SPDX-License-Identifier: MIT
#include "scan/stateless_sweep.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <map>
#include <set>

namespace netlab::scan::stateless_sweep_test {

using namespace std::chrono_literals;

namespace {

constexpr time_point start{};

/// A sweep with a clock; the test decides who answers when.
struct bench {
  explicit bench(stateless_sweep::options options) : sweep(std::move(options), start) {}

  /// Sends all probes that are due, then lets time pass.
  void step(duration pause = 10ms) {
    while (const auto probe = sweep.next(now)) {
      sent[probe->place].push_back(now);
      sweep.sent(*probe, now);
      if (answers.contains(probe->place)) static_cast<void>(sweep.finish(probe->place));
    }
    now += pause;
    sweep.tick(now);
    while (const auto one = sweep.take_silent()) {
      CHECK(now - sent[one->place].back() >= timeout);
      CHECK(!silent.contains(one->place));
      silent[one->place] = one->system_error;
    }
  }
  void run() {
    for (unsigned count = 0; count < 10'000 && !sweep.done(); ++count) step();
    REQUIRE(sweep.done());
  }

  stateless_sweep sweep;
  time_point now = start;
  duration timeout = 1s;
  std::set<std::uint64_t> answers;
  std::map<std::uint64_t, std::vector<time_point>> sent;
  std::map<std::uint64_t, int> silent;
};

}  // namespace

TEST_CASE("stateless sweep: a silent place is asked as often as wanted, and is silent a timeout later",
          "[scan][stateless_sweep]") {
  const unsigned attempts = GENERATE(1U, 2U, 5U);
  bench one({.size = 1000, .attempts = attempts});
  for (std::uint64_t place = 0; place < 1000; place += 3) one.answers.insert(place);
  one.run();
  for (std::uint64_t place = 0; place < 1000; ++place) {
    CHECK(one.sent[place].size() == (place % 3 == 0 ? 1 : attempts));
    CHECK(one.silent.contains(place) == (place % 3 != 0));
  }
  CHECK(one.sweep.finished() == 1000);
  CHECK(one.sweep.waiting() == 0);
}

TEST_CASE("stateless sweep: it ends at once when everything has answered", "[scan][stateless_sweep]") {
  bench one({.size = 500, .attempts = 3});
  for (std::uint64_t place = 0; place < 500; ++place) one.answers.insert(place);
  one.step();
  one.step();
  CHECK(one.sweep.done());
}

TEST_CASE("stateless sweep: an empty sweep is done", "[scan][stateless_sweep]") {
  bench one({.size = 0});
  one.step();
  CHECK(one.sweep.done());
}

TEST_CASE("stateless sweep: a second answer, and one after the verdict, do not count", "[scan][stateless_sweep]") {
  bench one({.size = 2, .attempts = 1});
  one.step();
  CHECK(one.sweep.is_waiting(0));
  CHECK(one.sweep.finish(0));
  CHECK_FALSE(one.sweep.finish(0));
  CHECK_FALSE(one.sweep.is_waiting(0));
  one.run();
  CHECK_FALSE(one.sweep.finish(1));
  CHECK_FALSE(one.sweep.finish(7));
}

TEST_CASE("stateless sweep: attempts follow sooner when answers are known to come soon", "[scan][stateless_sweep]") {
  bench one({.size = 1, .attempts = 3});
  one.sweep.set_retry_wait(100ms);
  one.run();
  REQUIRE(one.sent[0].size() == 3);
  CHECK(one.sent[0][1] - one.sent[0][0] >= 100ms);
  CHECK(one.sent[0][1] - one.sent[0][0] <= 340ms);  // with the fifth of a second of a part
  CHECK(one.sent[0][2] - one.sent[0][1] >= 200ms);  // doubled
  CHECK(one.sent[0][2] - one.sent[0][1] <= 240ms);
}

TEST_CASE("stateless sweep: more attempts can be demanded until the verdict", "[scan][stateless_sweep]") {
  bench one({.size = 10, .attempts = 2});
  while (one.sent[0].size() < 2) one.step();
  one.sweep.set_attempts(4);
  one.run();
  for (std::uint64_t place = 0; place < 10; ++place) CHECK(one.sent[place].size() == 4);
}

TEST_CASE("stateless sweep: attempts whose answers may have been lost here do not count", "[scan][stateless_sweep]") {
  bench one({.size = 10, .attempts = 1});
  one.step();
  one.sweep.repeat_attempts(start);
  one.run();
  for (std::uint64_t place = 0; place < 10; ++place) CHECK(one.sent[place].size() == 2);
}

TEST_CASE("stateless sweep: a probe that could not be sent makes its place no silent one", "[scan][stateless_sweep]") {
  stateless_sweep sweep({.size = 3, .attempts = 2}, start);
  time_point now = start;
  std::map<std::uint64_t, int> errors;
  for (unsigned count = 0; count < 1000 && !sweep.done(); ++count, now += 10ms) {
    while (const auto probe = sweep.next(now)) {
      // 0 is never sent, 1 the second time only, 2 the first time only.
      const bool works = probe->place == 1 ? probe->attempt == 2 : probe->place == 2 && probe->attempt == 1;
      if (works)
        sweep.sent(*probe, now);
      else
        sweep.not_sent(*probe, 100, now);
    }
    sweep.tick(now);
    while (const auto silent = sweep.take_silent()) errors[silent->place] = silent->system_error;
  }
  CHECK(errors == std::map<std::uint64_t, int>{{0, 100}, {1, 0}, {2, 100}});
}

TEST_CASE("stateless sweep: a part waits for probes whose neighbours are not known yet", "[scan][stateless_sweep]") {
  stateless_sweep sweep({.size = 2, .attempts = 1}, start);
  const auto first = sweep.next(start);
  const auto second = sweep.next(start);
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(sweep.next(start));
  sweep.sent(*first, start);
  sweep.postponed(*second);
  sweep.tick(start + 5s);
  CHECK_FALSE(sweep.take_silent());
  sweep.sent_postponed(*second, start + 5s);
  sweep.tick(start + 5900ms);
  CHECK_FALSE(sweep.take_silent());
  sweep.tick(start + 6s);
  CHECK(sweep.take_silent()->place == 0);
  CHECK(sweep.take_silent()->place == 1);
  CHECK_FALSE(sweep.take_silent());
  CHECK(sweep.done());
}

TEST_CASE("stateless sweep: when a probe was sent is known by its place and attempt", "[scan][stateless_sweep]") {
  stateless_sweep sweep({.size = 1000, .attempts = 2}, start);
  time_point now = start;
  for (unsigned count = 0; count < 1000; ++count, now += 100us) {
    const auto probe = sweep.next(now);
    REQUIRE(probe);
    sweep.sent(*probe, now);
  }
  CHECK_FALSE(sweep.next(now));
  CHECK(sweep.sending_of(0, 1)->at == start);
  CHECK(sweep.sending_of(500, 1)->at == start + 50ms);
  CHECK(sweep.sending_of(500, 1)->attempt == 1);
  CHECK_FALSE(sweep.sending_of(500, 2));
  CHECK_FALSE(sweep.sending_of(1000, 1));
  sweep.tick(start + 2s);
  const auto again = sweep.next(start + 2s);
  REQUIRE(again);
  CHECK(again->attempt == 2);
  sweep.sent(*again, start + 2s);
  CHECK(sweep.sending_of(0, 2)->at == start + 2s);
  CHECK(sweep.sending_of(0, 1)->at == start);
}

namespace {

/// A probe every 10 ms; each fourth place answers at once.
void slowly(bench& one, unsigned count) {
  for (; count > 0 && !one.sweep.done(); --count) {
    if (const auto probe = one.sweep.next(one.now)) {
      one.sent[probe->place].push_back(one.now);
      one.sweep.sent(*probe, one.now);
      if (probe->place % 4 == 0) {
        CHECK(one.sweep.finish(probe->place));
        one.answers.insert(probe->place);
      }
    }
    one.now += 10ms;
    one.sweep.tick(one.now);
    while (const auto silent = one.sweep.take_silent()) one.silent[silent->place] = silent->system_error;
  }
}

}  // namespace

TEST_CASE("stateless sweep: it continues from checkpoints, with no attempt more than those that were heard",
          "[scan][stateless_sweep]") {
  constexpr unsigned attempts = 2;
  const unsigned steps = GENERATE(0U, 1U, 5U, 30U, 120U, 140U, 170U, 250U, 290U);
  const unsigned more_steps = GENERATE(0U, 1U, 7U, 110U);
  std::map<std::uint64_t, unsigned> reported;
  std::map<std::uint64_t, unsigned> sent;
  std::map<std::uint64_t, unsigned> expired;
  const auto count = [&](const bench& one, duration timeout) {
    for (const auto& [place, times] : one.sent) {
      CHECK(reported[place] == 0);
      for (const time_point at : times) {
        ++sent[place];
        if (one.now - at >= timeout) ++expired[place];
      }
    }
    for (const std::uint64_t place : one.answers) ++reported[place];
    for (const auto& [place, error] : one.silent) ++reported[place];
  };
  stateless_checkpoint saved;
  std::uint64_t finished = 0;
  for (const unsigned each : {steps, more_steps, 0U, more_steps}) {
    bench one({.size = 100, .attempts = attempts, .start = saved});
    CHECK(one.sweep.finished() == finished);
    slowly(one, each);
    saved = one.sweep.checkpoint(one.now);
    finished = one.sweep.finished();
    count(one, 1s);
  }
  bench last({.size = 100, .attempts = attempts, .start = saved});
  slowly(last, 100'000);
  CHECK(last.sweep.done());
  count(last, 0s);
  for (std::uint64_t place = 0; place < 100; ++place) {
    CAPTURE(steps, more_steps, place);
    CHECK(reported[place] == 1);
    CHECK(expired[place] <= attempts);
    CHECK(sent[place] >= (place % 4 == 0 ? 1 : attempts));
  }
}

TEST_CASE("stateless sweep: an attempt that is over is not repeated, and one that could not be sent is",
          "[scan][stateless_sweep]") {
  stateless_sweep sweep({.size = 4, .attempts = 2}, start);
  for (const duration at : {0ms, 100ms, 200ms, 300ms}) {
    const auto probe = sweep.next(start + at);
    REQUIRE(probe);
    if (at == 300ms)
      sweep.not_sent(*probe, 100, start + at);
    else
      sweep.sent(*probe, start + at);
  }
  CHECK_FALSE(sweep.next(start + 300ms));
  const auto expired_after = [&](duration after) {
    const stateless_checkpoint saved = sweep.checkpoint(start + after);
    return saved.parts.size() == 2 ? saved.parts[0].expired * 10 + saved.parts[1].expired : 99;
  };
  CHECK(expired_after(900ms) == 0);
  CHECK(expired_after(1s) == 10);
  CHECK(expired_after(1200ms) == 21);
  CHECK(expired_after(2s) == 21);  // the fourth place was not asked
}

TEST_CASE("stateless sweep: an early end names each place that was asked and has no verdict",
          "[scan][stateless_sweep]") {
  bench one({.size = 10, .attempts = 2});
  one.answers = {0, 4};
  one.step();
  std::set<std::uint64_t> left;
  while (const auto place = one.sweep.take_unfinished()) CHECK(left.insert(*place).second);
  CHECK(left == std::set<std::uint64_t>{1, 2, 3, 5, 6, 7, 8, 9});
  CHECK(one.sweep.done());
}

namespace {

constexpr duration jump = 60s;  // of the clock: the machine was suspended, or its virtual machine stopped

/// Steps until `before`, then the clock jumps; a tick follows at once.
void step_and_jump(bench& one, duration before) {
  while (one.now < start + before) one.step();
  one.now += jump;
  one.sweep.tick(one.now);
  CHECK_FALSE(one.sweep.take_silent());
}

}  // namespace

TEST_CASE("stateless sweep: answers that come directly after a jump of the clock count", "[scan][stateless_sweep]") {
  const unsigned attempts = GENERATE(1U, 3U);
  const duration timeout = GENERATE(1s, 61s);
  const duration since_last_attempt = GENERATE(20ms, 500ms, 990ms);
  const duration delay = GENERATE(0ms, 10ms, 900ms);
  bench one({.size = 100, .timeout = timeout, .attempts = attempts});
  one.timeout = timeout;
  step_and_jump(one, timeout * (attempts - 1) + since_last_attempt);
  for (const time_point end = one.now + delay; one.now < end;) one.step();
  for (std::uint64_t place = 0; place < 100; ++place) {
    CHECK(one.sent[place].size() == attempts);
    CHECK(one.sweep.finish(place));
    CHECK_FALSE(one.sweep.finish(place));
  }
  one.step();
  CHECK(one.silent.empty());
  CHECK(one.sweep.done());
}

TEST_CASE("stateless sweep: a jump of the clock changes neither the attempts nor the time that they are waited for",
          "[scan][stateless_sweep]") {
  const unsigned attempts = GENERATE(1U, 2U, 3U);
  const duration before = GENERATE(0ms, 10ms, 150ms, 500ms, 990ms, 1500ms, 1990ms);
  bench one({.size = 1000, .attempts = attempts});
  for (std::uint64_t place = 0; place < 1000; place += 4) one.answers.insert(place);
  one.step();
  if (one.now + before >= start + attempts * 1s) return;  // the sweep has ended
  step_and_jump(one, before);
  const time_point resumed = one.now;
  while (one.now < resumed + 990ms) one.step();
  CHECK(one.silent.empty());
  one.run();
  for (std::uint64_t place = 0; place < 1000; ++place) {
    CHECK(one.sent[place].size() == (place % 4 == 0 ? 1 : attempts));
    CHECK(one.silent.contains(place) == (place % 4 != 0));
  }
  CHECK(one.now <= resumed + attempts * 1s + 20ms);
}

TEST_CASE("stateless sweep: places that are first probed after a jump of the clock have their own timeout",
          "[scan][stateless_sweep]") {
  stateless_sweep sweep({.size = 2, .attempts = 1}, start);
  sweep.tick(start);
  const auto first = sweep.next(start);
  REQUIRE(first);
  sweep.sent(*first, start);
  sweep.tick(start + 10ms);
  const auto second = sweep.next(start + jump);  // before the tick
  REQUIRE(second);
  sweep.sent(*second, start + jump);
  sweep.tick(start + jump + 1ms);
  sweep.tick(start + jump + 990ms);
  CHECK_FALSE(sweep.take_silent());
  sweep.tick(start + jump + 1001ms);
  CHECK(sweep.take_silent());
  CHECK(sweep.take_silent());
  CHECK_FALSE(sweep.take_silent());
  CHECK(sweep.done());
}

TEST_CASE("stateless sweep: it ends even if the clock jumps at each step", "[scan][stateless_sweep]") {
  bench one({.size = 1000, .attempts = 3});
  unsigned steps = 0;
  for (; steps < 100 && !one.sweep.done(); ++steps) one.step(jump);
  CHECK(one.sweep.done());
  CHECK(one.silent.size() == 1000);
  for (std::uint64_t place = 0; place < 1000; ++place) CHECK(one.sent[place].size() == 3);
}

TEST_CASE("stateless sweep: a caller that comes when wake() says has not been suspended", "[scan][stateless_sweep]") {
  stateless_sweep sweep({.size = 3, .timeout = 10s, .attempts = 2}, start);
  time_point now = start;
  unsigned sent = 0;
  for (;;) {
    while (const auto probe = sweep.next(now)) {
      ++sent;
      sweep.sent(*probe, now);
    }
    sweep.tick(now);
    while (sweep.take_silent()) {}
    if (sweep.done()) break;
    now = std::max(now + 1ms, sweep.wake());
    REQUIRE(now < start + 1min);
  }
  CHECK(sent == 6);
  CHECK(now <= start + 20s + 10ms);
}

TEST_CASE("stateless sweep: the time of a probe is not known after a jump of the clock", "[scan][stateless_sweep]") {
  bench one({.size = 10, .attempts = 2});
  step_and_jump(one, 500ms);
  const auto before = one.sweep.sending_of(3, 1);
  REQUIRE(before);
  CHECK(before->attempt == 1);
  CHECK(before->at == time_point::min());
  while (one.sent[3].size() < 2) one.step();
  CHECK(one.sweep.sending_of(3, 2)->at == one.sent[3][1]);
}

TEST_CASE("stateless sweep: an attempt before a jump of the clock is not over for a checkpoint",
          "[scan][stateless_sweep]") {
  bench one({.size = 10, .attempts = 1});
  step_and_jump(one, 500ms);
  const stateless_checkpoint saved = one.sweep.checkpoint(one.now + 500ms);
  REQUIRE(saved.parts.size() == 1);
  CHECK(saved.parts[0].expired == 0);
  CHECK(one.sweep.checkpoint(one.now + 1s).parts[0].expired == 10);
}

}  // namespace netlab::scan::stateless_sweep_test
