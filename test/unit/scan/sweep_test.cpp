// SPDX-License-Identifier: MIT
#include "scan/sweep.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <map>
#include <random>

#include "support/start.hpp"

namespace netlab::scan::sweep_test {

using namespace std::chrono_literals;
using test::start;

namespace {

/// A path with loss, delay and a bottleneck before its far end, in virtual time.
struct path {
  double loss = 0;             // in each direction
  duration delay = 100us;      // round trip
  double rate = 0;             // packets a second; 0: no bottleneck
  std::size_t queue = 100;     // packets that can wait for the bottleneck
  std::uint64_t silent = 0;    // every n-th port is filtered; 0: none
  double resets = 0;           // the target's limit of resets a second, after `burst` at once; 0: no limit
  duration stands_still = {};  // for this long nothing arrives: a machine on the path is busy
  duration from_time = {};     // after the start
  double burst = 50;           // of resets
  std::uint64_t late = 0;      // every n-th port answers only after `late_delay`; 0: none
  duration late_delay = {};
  std::uint64_t slow = 0;      // every n-th target, including its answers; 0: none
  duration jump = {};  // of the clock, once: this machine was suspended, and answers come directly afterwards
  duration jump_from = {};  // after the start
};

struct outcome {
  std::uint64_t answered = 0;
  std::uint64_t silent = 0;
  std::uint64_t wrong = 0;
  std::uint64_t sent = 0;
  std::uint64_t controls = 0;
  std::uint64_t unsure = 0;
  std::size_t most_under_way = 0;
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
  double tokens = over.burst;
  time_point tokens_at = now;
  time_point link_free = now;
  bool has_jumped = false;
  outcome result;
  const auto is_silent = [&](std::uint64_t item) { return over.silent != 0 && item % over.silent == 0; };
  const auto finish = [&](std::uint64_t item, bool silent) {
    REQUIRE_FALSE(seen[item]);
    seen[item] = true;
    ++(silent ? result.silent : result.answered);
    if (silent != is_silent(item)) ++result.wrong;
  };
  const auto delay_of = [&](std::uint64_t item) {
    const bool is_late =
        (over.late != 0 && item % over.late == 1) || (over.slow != 0 && asking.target(item) % over.slow == 1);
    return is_late ? over.late_delay : over.delay;
  };
  const auto release = [&] {
    while (const auto slot = asking.take_released()) ++generation[*slot];
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
        tokens = std::min(over.burst, tokens);
        tokens_at = now;
        if (tokens < 1) continue;
        tokens -= 1;
      }
      time_point there = through + delay_of(probe->item);
      if (there >= start + over.from_time) there = std::max(there, start + over.from_time + over.stands_still);
      arrivals.emplace(there, std::pair(probe->slot, probe->item << 20 | mine));
    }
    result.most_under_way = std::max(result.most_under_way, asking.under_way());
    time_point at = asking.wake(now);
    if (!arrivals.empty()) at = std::min(at, arrivals.begin()->first);
    REQUIRE(at != never);
    now = std::max(now, at);
    if (over.jump > 0s && !has_jumped && now >= start + over.jump_from) {
      has_jumped = true;
      now += over.jump;
      std::multimap<time_point, std::pair<std::uint32_t, std::uint64_t>> later;
      for (const auto& [arrival, tag] : arrivals) later.emplace(std::max(arrival + over.jump, now + 1ms), tag);
      arrivals.swap(later);
    }
    while (!arrivals.empty() && arrivals.begin()->first <= now) {
      const auto [slot, tag] = arrivals.begin()->second;
      arrivals.erase(arrivals.begin());
      if (generation[slot] != (tag & 0xfffff)) continue;  // it arrived too late
      ++generation[slot];
      asking.answered(slot, now);
      release();
      if (!is_control[slot]) finish(tag >> 20, false);
    }
    asking.tick(now);
    release();
    while (const auto concluded = asking.take_conclusion()) {
      if (concluded->meaning == sweep::verdict::unsure) {
        ++result.unsure;
        seen[concluded->item] = true;
      } else {
        finish(concluded->item, true);
      }
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
  CHECK(seen.sent <= 50 + 17 + 10);  // no answered port follows the last silent ones of the first round
  CHECK(seen.controls <= 6);
  CHECK(seen.took >= 1s);
  CHECK(seen.took <= 1150ms);
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
  CHECK(seen.took < 20s);  // at least 10 s
}

TEST_CASE("sweep: a target that sends 5 to 50 resets a second has its closed ports known", "[scan][unit]") {
  const double resets = GENERATE(5.0, 10.0, 20.0, 50.0);
  const double burst = GENERATE(1.0, 5.0, 50.0);
  const std::uint64_t silent = GENERATE(0U, 20U);
  const outcome seen = run({.ports = 280, .parallel = 1000}, {.silent = silent, .resets = resets, .burst = burst});
  CAPTURE(resets, burst, silent, seen.sent, seen.controls, seen.took, seen.unsure);
  CHECK(seen.wrong == 0);
  CHECK(seen.unsure == 0);
  CHECK(std::chrono::duration<double>(seen.took).count() < 3 * 280 / resets + 40);
}

TEST_CASE("sweep: a target that loses almost everything has an end, and is not called silent", "[scan][unit]") {
  const double loss = GENERATE(0.3, 0.5, 0.7, 0.9, 0.99);  // in each direction
  const outcome seen = run({.ports = 1024, .parallel = 1000}, {.loss = loss, .silent = 100});
  CAPTURE(loss, seen.sent, seen.controls, seen.took, seen.unsure, seen.silent);
  CHECK(seen.took < 60s);
  CHECK(seen.wrong <= (loss > 0.95 ? 1024 : 0));
}

TEST_CASE("sweep: ports that answer more slowly than the others are not called silent", "[scan][unit]") {
  const auto [late_delay, timeout] =
      GENERATE(std::pair<duration, duration>{300ms, 1s}, std::pair<duration, duration>{600ms, 1s},
               std::pair<duration, duration>{900ms, 1s}, std::pair<duration, duration>{2500ms, 3s});
  const double rate = GENERATE(0.0, 300.0);
  const unsigned retries = GENERATE(1U, 3U);
  const bool fixed = GENERATE(false, true);
  const outcome seen = run(
      {.ports = 200, .parallel = 1000, .rate = rate, .timeout = timeout, .retries = retries, .retries_fixed = fixed},
      {.delay = 200us, .silent = 50, .late = 20, .late_delay = late_delay});
  CAPTURE(late_delay, rate, retries, fixed);
  CHECK(seen.wrong == 0);
  CHECK(seen.silent == 4);
}

TEST_CASE("sweep: of many targets the slow ones are not called silent", "[scan][unit]") {
  const std::uint64_t targets = GENERATE(256U, 5000U);
  const outcome seen = run({.targets = targets, .ports = 2, .parallel = 10'000}, {.late_delay = 800ms, .slow = 64});
  CHECK(seen.wrong == 0);
}

TEST_CASE("sweep: silence has its meaning only after the timeout since the last probe", "[scan][unit]") {
  const bool fixed = GENERATE(false, true);
  const duration timeout = GENERATE(500ms, 900ms);
  time_point now = start;
  time_point last = start;
  sweep asking({.ports = 3, .parallel = 10, .timeout = timeout, .retries_fixed = fixed}, now);
  while (!asking.done()) {
    while (asking.next(now)) last = now;
    now = std::max(now + 1ns, asking.wake(now));
    asking.tick(now);
    while (asking.take_released()) {}
    while (asking.take_conclusion()) CHECK(now >= last + timeout);
  }
}

TEST_CASE("sweep: an answer to the first probe counts while the second is under way, and frees both", "[scan][unit]") {
  time_point now = start;
  sweep asking({.ports = 1, .parallel = 4}, now);
  const auto first = asking.next(now);
  REQUIRE(first);
  now = asking.wake(now);
  asking.tick(now);
  CHECK_FALSE(asking.take_released());
  const auto second = asking.next(now);
  REQUIRE(second);
  CHECK(second->item == first->item);
  CHECK(second->attempt == 2);
  CHECK(asking.under_way() == 2);
  CHECK(asking.answered(first->slot, now + 500ms) == now + 500ms - start);
  CHECK(asking.take_released() == second->slot);
  CHECK(asking.under_way() == 0);
  CHECK(asking.done());
}

TEST_CASE("sweep: with a number of retries, the kernel's repetitions of a SYN are among them", "[scan][unit]") {
  const syn_schedule kernel(GENERATE(0U, 4U));
  const unsigned retries = GENERATE(0U, 1U, 3U);
  const duration timeout = GENERATE(300ms, 1s, 3s, 10s);
  CAPTURE(retries, timeout);
  time_point now = start;
  sweep asking(
      {.ports = 20, .parallel = 100, .timeout = timeout, .retries = retries, .retries_fixed = true, .kernel = kernel},
      now);
  std::map<std::uint32_t, std::pair<std::uint64_t, time_point>> open;  // by slot
  std::map<std::uint64_t, unsigned> syns;
  while (!asking.done()) {
    while (const auto probe = asking.next(now)) {
      open[probe->slot] = {probe->item, now};
      ++syns[probe->item];
    }
    now = std::max(now + 1ns, asking.wake(now));
    asking.tick(now);
    while (const auto slot = asking.take_released()) {
      syns[open[*slot].first] += kernel.repetitions_before(now - open[*slot].second);
      open.erase(*slot);
    }
    while (asking.take_conclusion()) {}
  }
  CHECK(open.empty());
  for (const auto& [item, count] : syns) CHECK(count == retries + 1);
}

TEST_CASE("sweep: the rate counts the SYNs that the kernel repeats", "[scan][unit]") {
  const outcome slow = run({.ports = 200, .parallel = 1000, .rate = 100, .timeout = 5s}, {.silent = 1});
  // 200 ports, twice, each with retransmissions after 1 and 3 seconds.
  CHECK(slow.took > 11s);
  CHECK(slow.took < 18s);
}

TEST_CASE("sweep: what this machine cannot reach for a while is asked again", "[scan][unit]") {
  const duration down = GENERATE(3s, 1min);
  time_point now = start;
  sweep asking({.ports = 500, .parallel = 100}, now);
  unsigned answers = 0;
  unsigned not_sent = 0;
  while (!asking.done()) {
    while (const auto probe = asking.next(now)) {
      if (now >= start + 10ms && now < start + 10ms + down)
        asking.cannot_reach(probe->slot, 101, now);
      else if (asking.answered(probe->slot, now += 100us); !probe->is_control)
        ++answers;
    }
    if (asking.done()) break;
    now = std::max(now + 1ns, asking.wake(now));
    asking.tick(now);
    while (asking.take_released()) {}
    while (const auto concluded = asking.take_conclusion()) {
      CHECK(concluded->meaning == sweep::verdict::not_sent);
      CHECK(concluded->system_error == 101);
      ++not_sent;
    }
    REQUIRE(now < start + 1h);
  }
  CHECK(answers + not_sent == 500);
  CHECK((not_sent == 0) == (down == 3s));
  CHECK(now < start + 15s);
}

TEST_CASE("sweep: connections that somebody else needs are among those allowed", "[scan][unit]") {
  sweep asking({.ports = 10, .parallel = 3}, start);
  asking.set_in_use(2);
  const auto first = asking.next(start);
  REQUIRE(first);
  CHECK_FALSE(asking.next(start));
  asking.answered(first->slot, start);
  asking.set_in_use(3);
  CHECK_FALSE(asking.next(start));
  CHECK(asking.wake(start) == never);
}

TEST_CASE("sweep: a dead target ends, too", "[scan][unit]") {
  const outcome seen = run({.ports = 100, .parallel = 1000, .timeout = 1s}, {.silent = 1});
  CHECK(seen.silent == 100);
  CHECK(seen.took < 2500ms);
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
  CHECK(std::chrono::duration<double>(seen.took).count() < 1.1 * 65'535 / 20'000 + 0.5 + 1);
}

TEST_CASE("sweep: the rate is obeyed, again and again included", "[scan][unit]") {
  const outcome seen = run({.ports = 1000, .parallel = 1000, .rate = 500}, {.silent = 4});
  CHECK(seen.wrong == 0);
  CHECK(seen.sent >= 1250);
  CHECK(seen.sent <= 1260);
  CHECK(seen.took > (seen.sent + seen.controls - 10) * 2ms - 100ms);
  CHECK(seen.took < 4s);
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
    asking.tick(now);
    while (asking.take_released()) {}
    while (asking.take_conclusion()) {}
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

TEST_CASE("sweep: a jump of the clock makes no port silent whose answer comes directly after it", "[scan][unit]") {
  const duration from = GENERATE(0ms, 5ms, 40ms, 250ms, 900ms);
  const duration delay = GENERATE(200us, 30ms);
  const std::uint64_t targets = GENERATE(1U, 20U);
  const outcome seen = run({.targets = targets, .ports = 2'000 / targets, .parallel = 1000},
                           {.delay = delay, .rate = 20'000, .silent = 100, .jump = 60s, .jump_from = from});
  CAPTURE(from, delay, targets, seen.sent, seen.controls);
  CHECK(seen.wrong == 0);
  CHECK(seen.unsure == 0);
  CHECK(seen.silent == 20);
  CHECK(seen.took < 70s);
}

TEST_CASE("sweep: after a jump of the clock it does not send what it could have sent meanwhile", "[scan][unit]") {
  time_point now = start;
  sweep asking({.ports = 10'000, .parallel = 1000, .rate = 500}, now);
  const auto answer_all = [&] {
    unsigned sent = 0;
    for (auto probe = asking.next(now); probe; probe = asking.next(now), ++sent) asking.answered(probe->slot, now);
    asking.tick(now);
    return sent;
  };
  for (; now < start + 1s; now += 1ms) answer_all();
  now += 60s;
  CHECK(answer_all() <= 6);  // 10 ms, and one
}

TEST_CASE("sweep: with a number of retries, a jump of the clock makes no port silent", "[scan][unit]") {
  const duration from = GENERATE(0ms, 5ms, 40ms, 250ms, 900ms);
  const unsigned retries = GENERATE(0U, 1U, 3U);
  const outcome seen =
      run({.ports = 2'000, .parallel = 1000, .retries = retries, .retries_fixed = true},
          {.delay = 30ms, .rate = 20'000, .queue = 1000, .silent = 100, .jump = 60s, .jump_from = from});
  CAPTURE(from, retries, seen.sent);
  CHECK(seen.wrong == 0);
  CHECK(seen.silent == 20);
  CHECK(seen.took < 70s);
}

}  // namespace netlab::scan::sweep_test
