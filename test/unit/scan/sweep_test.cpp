// SPDX-License-Identifier: MIT
#include "scan/sweep.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <map>
#include <random>

using namespace netlab;
using namespace netlab::scan;
using namespace std::chrono_literals;

namespace {

const time_point start{1h};

/// A path with loss, delay and a bottleneck before its far end, in virtual time.
struct path {
  double loss = 0;             // of each direction
  duration delay = 100us;      // both ways together
  double rate = 0;             // packets a second; 0: no bottleneck
  std::size_t queue = 100;     // packets that wait before it
  std::uint64_t silent = 0;    // every so many-th port is filtered; 0: none
  double resets = 0;           // answers that the target sends a second, after a burst of 50; 0: any number
  duration stands_still = {};  // so long, nothing arrives: a machine on the way has something else to do
  duration from_time = {};     // after the start
};

struct outcome {
  std::uint64_t answered = 0;
  std::uint64_t silent = 0;
  std::uint64_t wrong = 0;
  std::uint64_t sent = 0;
  std::uint64_t controls = 0;
  duration took{};
};

outcome run(const sweep_parameters& how, const path& over) {
  std::mt19937_64 random(1);  // NOLINT: the same numbers each time
  std::bernoulli_distribution lost(over.loss);
  time_point now = start;
  sweep asking(how, now);
  std::multimap<time_point, std::pair<std::uint32_t, std::uint64_t>> arrivals;
  std::vector<std::uint64_t> generation(how.parallel);
  std::vector<bool> seen(how.targets * how.ports);
  std::vector<bool> is_control(how.parallel);
  double tokens = 50;
  time_point tokens_at = now;
  time_point link_free = now;
  outcome result;
  const auto is_silent = [&](std::uint64_t item) { return over.silent != 0 && item % over.silent == 0; };
  const auto finish = [&](std::uint64_t item, bool silent) {
    REQUIRE_FALSE(seen[item]);
    seen[item] = true;
    ++(silent ? result.silent : result.answered);
    if (silent != is_silent(item)) ++result.wrong;
  };
  while (!asking.done()) {
    for (auto probe = asking.next(now); probe; probe = asking.next(now)) {
      ++(probe->is_control ? result.controls : result.sent);
      is_control[probe->slot] = probe->is_control;
      const std::uint64_t mine = ++generation[probe->slot];
      time_point through = now;
      if (over.rate > 0) {
        const auto gap = duration(static_cast<std::int64_t>(1e9 / over.rate));
        link_free = std::max(link_free, now);
        if (link_free - now > gap * over.queue) continue;
        link_free += gap;
        through = link_free;
      }
      if (is_silent(probe->item) || lost(random) || lost(random)) continue;
      if (over.resets > 0) {
        tokens += over.resets * std::chrono::duration<double>(now - tokens_at).count();
        tokens = std::min(50.0, tokens);
        tokens_at = now;
        if (tokens < 1) continue;
        tokens -= 1;
      }
      time_point there = through + over.delay;
      if (there >= start + over.from_time) there = std::max(there, start + over.from_time + over.stands_still);
      arrivals.emplace(there, std::pair(probe->slot, probe->item << 20 | mine));
    }
    time_point at = asking.wake(now);
    if (!arrivals.empty()) at = std::min(at, arrivals.begin()->first);
    REQUIRE(at != never);
    now = std::max(now, at);
    while (!arrivals.empty() && arrivals.begin()->first <= now) {
      const auto [slot, tag] = arrivals.begin()->second;
      arrivals.erase(arrivals.begin());
      if (generation[slot] != (tag & 0xfffff)) continue;  // it came too late
      ++generation[slot];
      asking.answered(slot, now);
      if (!is_control[slot]) finish(tag >> 20, false);
    }
    while (const auto expired = asking.take_expired(now)) {
      if (expired->what.slot < generation.size()) ++generation[expired->what.slot];
      if (expired->meaning == sweep::verdict::silent) finish(expired->what.item, true);
    }
    REQUIRE(now < start + 1h);
  }
  result.took = now - start;
  return result;
}

}  // namespace

TEST_CASE("sweep: a clean path is asked once a port", "[scan][unit]") {
  const outcome seen = run({.ports = 10'000, .parallel = 1000}, {});
  CHECK(seen.answered == 10'000);
  CHECK(seen.sent == 10'000);
}

TEST_CASE("sweep: silence is asked again, then believed", "[scan][unit]") {
  const outcome seen = run({.ports = 50, .parallel = 50}, {.silent = 3});
  CHECK(seen.silent == 17);
  CHECK(seen.wrong == 0);
  CHECK(seen.sent >= 50 + 17);
  CHECK(seen.sent <= 50 + 17 + 10);  // the last of the first round have nobody behind them who is answered
  CHECK(seen.controls <= 6);
  CHECK(seen.took < 400ms);
}

TEST_CASE("sweep: when the path stands still, however long, silence is not believed", "[scan][unit]") {
  const duration pause = GENERATE(50ms, 150ms, 600ms, 3s);
  const duration from = GENERATE(0ms, 5ms, 40ms, 250ms);
  const outcome seen = run({.ports = 2'000, .parallel = 1000},
                           {.rate = 20'000, .silent = 100, .stands_still = pause, .from_time = from});
  CAPTURE(pause, from);
  CHECK(seen.wrong == 0);
}

TEST_CASE("sweep: a target that sends few resets a second is asked at its pace", "[scan][unit]") {
  const outcome seen = run({.ports = 2'000, .parallel = 1000}, {.silent = 100, .resets = 200});
  CHECK(seen.wrong == 0);
  CHECK(seen.took < 20s);  // 10 s at the least
}

TEST_CASE("sweep: a dead target ends, too", "[scan][unit]") {
  const outcome seen = run({.ports = 100, .parallel = 1000, .timeout = 1s}, {.silent = 1});
  CHECK(seen.silent == 100);
  CHECK(seen.took < 2s);
}

TEST_CASE("sweep: hardly any answers do not slow it", "[scan][unit]") {
  const outcome seen = run({.ports = 65'535, .parallel = 10'000}, {.loss = 0, .silent = 1});
  CHECK(seen.took < 40s);
}

TEST_CASE("sweep: with loss on a long path every state is right", "[scan][unit]") {
  const double loss = GENERATE(0.01, 0.05, 0.1);
  const outcome seen = run({.ports = 65'535, .parallel = 10'000}, {.loss = loss, .delay = 20ms, .silent = 333});
  CHECK(seen.wrong == 0);
  CHECK(seen.silent == 197);
  CHECK(seen.took < 20s);
}

TEST_CASE("sweep: a bottleneck is used to the full, and nothing is missed", "[scan][unit]") {
  const std::size_t queue = GENERATE(50U, 100U, 1000U);
  const outcome seen = run({.ports = 65'535, .parallel = 10'000}, {.rate = 20'000, .queue = queue, .silent = 333});
  CHECK(seen.wrong == 0);
  CHECK(std::chrono::duration<double>(seen.took).count() < 1.1 * 65'535 / 20'000 + 0.5);
}

TEST_CASE("sweep: the rate is obeyed, again and again included", "[scan][unit]") {
  const outcome seen = run({.ports = 1000, .parallel = 1000, .rate = 500}, {.silent = 4});
  CHECK(seen.wrong == 0);
  CHECK(seen.sent >= 1250);
  CHECK(seen.sent <= 1260);
  CHECK(seen.took > (seen.sent + seen.controls - 10) * 2ms - 100ms);
  CHECK(seen.took < 3s);
}

TEST_CASE("sweep: a number of retries that was asked for is kept", "[scan][unit]") {
  const outcome seen =
      run({.ports = 10'000, .parallel = 1000, .retries = 0, .retries_fixed = true}, {.loss = 0.05, .silent = 0});
  CHECK(seen.sent == 10'000);
  CHECK(seen.wrong > 500);
}

TEST_CASE("sweep: a target with a round trip longer than the first patience is not called silent", "[scan][unit]") {
  const outcome seen = run({.ports = 100, .parallel = 100, .timeout = 2s}, {.delay = 900ms});
  CHECK(seen.wrong == 0);
}

TEST_CASE("sweep: what the system refuses is asked later, one at a time if need be", "[scan][unit]") {
  time_point now = start;
  sweep asking({.ports = 20, .parallel = 10}, now);
  unsigned refused = 0;
  unsigned answers = 0;
  while (!asking.done()) {
    while (const auto probe = asking.next(now)) {
      if (asking.under_way() > 3) {
        ++refused;
        asking.put_back(probe->slot, now);
        continue;
      }
      if (probe->item % 2 == 0 || probe->attempt > 1 || probe->is_control) {
        asking.answered(probe->slot, now);
        if (!probe->is_control) ++answers;
      }
    }
    while (asking.take_expired(now)) {}
    if (asking.done()) break;
    now = std::max(now + 1ns, asking.wake(now));
    REQUIRE(now < start + 1min);
  }
  CHECK(answers == 20);
  CHECK(refused > 0);
}

TEST_CASE("sweep: ended early, it tells what was asked and is not known", "[scan][unit]") {
  sweep asking({.ports = 100, .parallel = 30}, start);
  std::size_t sent = 0;
  while (const auto probe = asking.next(start))
    if (++sent % 3 == 0) asking.answered(probe->slot, start);
  std::size_t left = 0;
  while (asking.take_unfinished()) ++left;
  CHECK(left == sent - sent / 3);
  CHECK(asking.under_way() == 0);
}
