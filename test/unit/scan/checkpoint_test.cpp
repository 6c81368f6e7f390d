// SPDX-License-Identifier: MIT
#include "scan/checkpoint.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "scan/sweep.hpp"
#include "support/start.hpp"

namespace netlab::scan::checkpoint_test {

using namespace std::chrono_literals;
using test::start;

namespace {

/// Runs over any number of sweeps, each of which goes on from the checkpoint of the one before. Every third port is
/// silent; the others answer after 3 ms.
struct interrupted_scan {
  sweep_parameters how;
  std::map<std::uint64_t, unsigned> reported;
  std::map<std::uint64_t, unsigned> asked;
  bool is_done = false;

  static bool is_silent(std::uint64_t item) { return item % 3 == 0; }

  /// Ends after `length` as if killed.
  void run(duration length) {
    sweep asking(how, start);
    std::multimap<time_point, std::pair<std::uint32_t, std::uint64_t>> arrivals;
    std::vector<std::uint64_t> generation(how.parallel);
    std::vector<sweep::probe> sent(how.parallel);
    for (time_point now = start; now < start + length && !asking.done(); now += 1ms) {
      while (const auto probe = asking.next(now)) {
        if (!probe->is_control) ++asked[probe->item];
        sent[probe->slot] = *probe;
        const std::uint64_t mine = ++generation[probe->slot];
        if (!is_silent(probe->item)) arrivals.emplace(now + 3ms, std::pair(probe->slot, mine));
      }
      while (!arrivals.empty() && arrivals.begin()->first <= now) {
        const auto [slot, mine] = arrivals.begin()->second;
        arrivals.erase(arrivals.begin());
        if (generation[slot] != mine) continue;
        ++generation[slot];
        asking.answered(slot, now);
        if (!sent[slot].is_control) ++reported[sent[slot].item];
        while (const auto other = asking.take_released()) ++generation[*other];
      }
      asking.tick(now);
      while (const auto other = asking.take_released()) ++generation[*other];
      while (const auto concluded = asking.take_conclusion()) {
        CHECK(concluded->meaning == sweep::verdict::silent);
        CHECK(is_silent(concluded->item));
        ++reported[concluded->item];
      }
    }
    is_done = asking.done();
    const sweep_checkpoint reached = asking.checkpoint();
    auto again = parse_sweep_checkpoint(to_text(reached));
    REQUIRE(again);
    CHECK(again->next == reached.next);
    REQUIRE(again->open.size() == reached.open.size());
    REQUIRE(std::ranges::is_permutation(again->open, reached.open));
    how.from = *std::move(again);
    REQUIRE(sweep::fits(how));
  }
};

}  // namespace

TEST_CASE("checkpoint: sweeps that go on from each other report each port once", "[scan][checkpoint]") {
  const duration length = GENERATE(7ms, 60ms, 350ms, 1150ms, 1h);
  const bool retries_fixed = GENERATE(false, true);
  CAPTURE(length.count(), retries_fixed);
  interrupted_scan scan{.how = {.targets = 3,
                                .ports = 200,
                                .seed = 5,
                                .shard = 1,
                                .shards = 2,
                                .parallel = 64,
                                .timeout = 500ms,
                                .retries_fixed = retries_fixed}};
  unsigned runs = 0;
  // A run shorter than the timeout never knows that a port is silent.
  const duration rest = length < 600ms ? 5s : length;
  while (!scan.is_done && runs < 100) {
    ++runs;
    scan.run(runs < 4 ? length : rest);
  }
  CHECK(scan.is_done);
  CHECK(scan.reported.size() == 300);
  for (const auto& [item, times] : scan.reported) CHECK(times == 1);
  unsigned more = 0;
  for (const auto& [item, times] : scan.asked) more = std::max(more, times);
  CHECK(more <= 2 + 2 * 4);
  scan.run(1s);
  CHECK(scan.is_done);
}

TEST_CASE("checkpoint: what was found out before it is not asked again", "[scan][checkpoint]") {
  interrupted_scan scan{.how = {.ports = 3000, .parallel = 64, .timeout = 100ms}};
  scan.run(100ms);
  REQUIRE(!scan.is_done);
  const auto known = scan.reported;
  REQUIRE(known.size() > 100);
  scan.asked.clear();
  while (!scan.is_done) scan.run(2s);
  for (const auto& [item, times] : known) CHECK(scan.asked.count(item) == 0);
  CHECK(scan.reported.size() == 3000);
}

TEST_CASE("checkpoint: attempts at a silent port count after it", "[scan][checkpoint]") {
  interrupted_scan scan{.how = {.ports = 30, .parallel = 30, .timeout = 300ms}};
  scan.run(1h);
  CHECK(scan.is_done);
  const unsigned usual = scan.asked.at(3);
  // Port 3 was asked twice, and long ago.
  interrupted_scan late{.how = {.ports = 30, .parallel = 30, .timeout = 300ms}};
  late.how.from = sweep_checkpoint{.next = 30, .open = {{.item = 3, .attempts = 2, .fair = 2}}};
  late.run(1h);
  CHECK(late.is_done);
  CHECK(late.asked.empty());
  CHECK(late.reported == std::map<std::uint64_t, unsigned>{{3, 1}});
  CHECK(usual >= 2);
}

TEST_CASE("checkpoint: targets that are skipped count as done", "[scan][checkpoint]") {
  interrupted_scan scan{.how = {.targets = 4, .ports = 50, .parallel = 16, .timeout = 100ms, .skipped = {1, 3}}};
  scan.run(20ms);
  while (!scan.is_done) scan.run(1s);
  CHECK(scan.reported.size() == 100);
  for (const auto& [item, times] : scan.reported) {
    CHECK(item / 50 % 2 == 0);
    CHECK(times == 1);
  }
  CHECK(sweep({.targets = 2, .ports = 5, .skipped = {0, 1}}, start).done());
}

TEST_CASE("checkpoint: one that cannot be of this sweep does not fit", "[scan][checkpoint]") {
  sweep_parameters how{.targets = 2, .ports = 10, .shard = 2, .shards = 3, .parallel = 1};  // places 2, 5, … 17
  const auto fits = [&](sweep_checkpoint from) {
    how.from = std::move(from);
    return sweep::fits(how);
  };
  CHECK(fits({}));
  CHECK(fits({.next = 6, .open = {}}));
  CHECK(!fits({.next = 7, .open = {}}));
  CHECK(fits({.next = 1, .open = {{.item = 19}}}));
  CHECK(!fits({.next = 1, .open = {{.item = 20}}}));
  CHECK(!fits({.next = 0, .open = {{.item = 1}}}));
  CHECK(!fits({.next = 2, .open = {{.item = 1}, {.item = 1}}}));
}

TEST_CASE("checkpoint: texts", "[scan][checkpoint]") {
  CHECK(to_text(sweep_checkpoint{}) == "0");
  CHECK(
      to_text(sweep_checkpoint{.next = 120, .open = {{14, 2, 1}, {3, 2, 1}, {8, 2, 1}, {9, 2, 1}, {10, 2, 1}, {5}}}) ==
      "120 0/0:5 2/1:3 4*3 3");
  CHECK(to_text(udp_checkpoint{.next = 7, .open = {{3, {1, 2, 3, 9}}, {12, {53}}, {4, {}}}}) == "7 3:1-3,9 12:53");
  CHECK(*parse_udp_checkpoint("7 3:1-3,9 12:53") == udp_checkpoint{.next = 7, .open = {{3, {1, 2, 3, 9}}, {12, {53}}}});
  CHECK(*parse_udp_checkpoint("0") == udp_checkpoint{});
}

TEST_CASE("checkpoint: damaged texts are refused", "[scan][checkpoint]") {
  for (const char* text : {"", "x", "-1", "5 1:3", "5 1/2:3", "5 1/1/1:3", "5 1/1:", "5 1/1:x", "5 1/1:3*0",
                           "5 1/1:3*x", "5 1/1:3*99999999", "5 1/1:18446744073709551615", "99999999999999999999",
                           "5 1/1:4611686018427387903 4611686018427387903"}) {
    CAPTURE(text);
    const auto made = parse_sweep_checkpoint(text);
    REQUIRE(!made);
    CHECK(made.error().code == errc::bad_data);
  }
  for (const char* text : {"", "x", "5 3", "5 3:", "5 :1", "5 3:9-1", "5 3:0", "5 3:65536"}) {
    CAPTURE(text);
    CHECK(!parse_udp_checkpoint(text));
  }
}

}  // namespace netlab::scan::checkpoint_test
