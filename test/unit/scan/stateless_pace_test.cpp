// SPDX-License-Identifier: MIT
#include "scan/stateless_pace.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <deque>
#include <random>

namespace netlab::scan::stateless_pace_test {

using namespace std::chrono_literals;

namespace {

constexpr time_point start{};
constexpr std::size_t frame = 84;

/// A path with a bottleneck: `rate` packets a second, a queue in front of it, a delay. A share of the probes is
/// answered.
struct path_model {
  double rate = 1e9;
  double queue = 1000;
  duration delay = 1ms;
  double answers = 1;

  struct packet {
    time_point sent;
    time_point arrives;
  };
  std::mt19937 random{1};  // NOLINT: the same numbers each time
  time_point link_free = start;
  std::deque<packet> under_way;
  std::uint64_t sent = 0;
  std::uint64_t lost = 0;

  void send(time_point now) {
    ++sent;
    const time_point leaves = std::max(now, link_free);
    if (std::chrono::duration<double>(leaves - now).count() * rate > queue) {
      ++lost;
      return;
    }
    link_free = leaves + std::chrono::duration_cast<duration>(std::chrono::duration<double>(1 / rate));
    if (std::bernoulli_distribution(answers)(random)) under_way.push_back({now, leaves + delay});
  }
};

/// Hands over the answers that have arrived.
void deliver(path_model& path, stateless_pace& pace, time_point now) {
  while (!path.under_way.empty() && path.under_way.front().arrives <= now) {
    const auto& first = path.under_way.front();
    pace.answered(first.sent, first.arrives, first.arrives - first.sent, true);
    path.under_way.pop_front();
  }
}

/// Sends for a while as the pace allows; returns the packets sent.
std::uint64_t run(stateless_pace& pace, path_model& path, time_point& now, duration time) {
  const std::uint64_t before = path.sent;
  for (const time_point end = now + time; now < end; now += 100us) {
    deliver(path, pace, now);
    static_cast<void>(pace.tick(now));
    const std::size_t count = pace.allowed(now, 256, frame);
    for (std::size_t each = 0; each < count; ++each) path.send(now);
    if (count > 0) pace.sent({count, count, count * frame}, now);
  }
  return path.sent - before;
}

}  // namespace

TEST_CASE("stateless pace: a rate is kept exactly, and never exceeded", "[scan][stateless_pace]") {
  const double rate = GENERATE(1, 7, 300, 12'345, 1'000'000);
  stateless_pace pace({.rate = rate}, start);
  time_point now = start;
  std::uint64_t sent = 0;
  bool is_kept = true;
  for (; now < start + 10s; now += 1ms) {
    const std::size_t count = pace.allowed(now, 100'000, frame);
    pace.sent({count, count, count * frame}, now);
    sent += count;
    const double most = rate * std::chrono::duration<double>(now - start).count() + rate / 100 + 1;
    is_kept = is_kept && static_cast<double>(sent) <= most;
  }
  CHECK(is_kept);
  CHECK(static_cast<double>(sent) >= rate * 9.99 - 1);
}

TEST_CASE("stateless pace: a late caller may send at most 10 ms of a fixed rate at once", "[scan][stateless_pace]") {
  stateless_pace pace({.rate = 1000}, start);
  CHECK(pace.allowed(start + 60s, 100'000, frame) == 10);  // 10 ms
}

TEST_CASE("stateless pace: a bandwidth is kept in bits on the wire", "[scan][stateless_pace]") {
  stateless_pace pace({.rate = 1e6, .bandwidth = 10e6}, start);
  std::uint64_t bits = 0;
  bool is_kept = true;
  for (time_point now = start; now < start + 2s; now += 50us) {
    const std::size_t count = pace.allowed(now, 256, frame);
    pace.sent({count, count, count * frame}, now);
    bits += count * frame * 8;
    is_kept = is_kept && static_cast<double>(bits) <=
                             10e6 * (std::chrono::duration<double>(now - start).count() + 0.01) + frame * 8;
  }
  CHECK(is_kept);
  CHECK(static_cast<double>(bits) >= 0.99 * 20e6);
}

TEST_CASE("stateless pace: next() says when a packet is allowed", "[scan][stateless_pace]") {
  const double bandwidth = GENERATE(0, 67'200);  // a hundred frames a second
  stateless_pace pace({.rate = bandwidth == 0 ? 100.0 : 1e6, .bandwidth = bandwidth}, start);
  time_point now = start + 1s;
  while (const std::size_t count = pace.allowed(now, 1000, frame)) pace.sent({count, count, count * frame}, now);
  CHECK(pace.next() > now);
  CHECK(pace.next() <= now + 10100us);
  CHECK(pace.allowed(pace.next() + 1us, 1000, frame) >= 1);
}

TEST_CASE("stateless pace: with a free path the rate grows fast", "[scan][stateless_pace]") {
  stateless_pace pace({}, start);
  path_model path;
  time_point now = start;
  run(pace, path, now, 150ms);
  CHECK(pace.rate() > 500'000);
}

TEST_CASE("stateless pace: a bottleneck is used, and loses little if it has a queue", "[scan][stateless_pace]") {
  const double answers = GENERATE(1.0, 0.3);
  const double queue = GENERATE(1000.0, 50.0);
  stateless_pace pace({}, start);
  path_model path{.rate = 20'000, .queue = queue, .answers = answers};
  time_point now = start;
  run(pace, path, now, 1s);
  INFO("answers " << answers << ", queue " << queue << ", first second: " << path.lost << " of " << path.sent);
  CHECK(static_cast<double>(path.lost) < 0.35 * static_cast<double>(path.sent));
  path.lost = 0;
  const std::uint64_t sent = run(pace, path, now, 2s);
  INFO("then " << path.lost << " of " << sent << ", rate " << pace.rate());
  CHECK(static_cast<double>(path.lost) < (queue < 100 ? 0.25 : 0.02) * static_cast<double>(sent));
  CHECK(static_cast<double>(sent - path.lost) > 2 * 20'000 * 0.95);
}

TEST_CASE("stateless pace: when hardly anybody answers, there is nothing to measure, and it stays moderate",
          "[scan][stateless_pace]") {
  stateless_pace pace({}, start);
  path_model path{.answers = 0.0005};
  time_point now = start;
  run(pace, path, now, 1s);
  CHECK(pace.rate() <= stateless_pace::max_unmeasured_rate * 1.01);
  CHECK(pace.rate() >= stateless_pace::max_unmeasured_rate * 0.5);
}

TEST_CASE("stateless pace: silence in answer to repeated probes is not loss", "[scan][stateless_pace]") {
  stateless_pace pace({}, start);
  path_model path{.rate = 1e7, .answers = 0.5};
  time_point now = start;
  run(pace, path, now, 500ms);
  const double before = pace.rate();
  // The silent half is asked again: at first between others, then alone.
  for (const std::size_t repeated : {2U, 1U}) {
    for (const time_point end = now + 300ms; now < end; now += 100us) {
      deliver(path, pace, now);
      static_cast<void>(pace.tick(now));
      const std::size_t count = pace.allowed(now, 256, frame);
      const std::size_t first_probes = count - count / repeated;
      for (std::size_t each = 0; each < first_probes; ++each) path.send(now);
      if (count > 0) pace.sent({count, first_probes, count * frame}, now);
    }
    CHECK(pace.rate() >= before);
  }
}

TEST_CASE("stateless pace: random loss does not slow it down", "[scan][stateless_pace]") {
  stateless_pace pace({}, start);
  path_model path{.delay = 10ms, .answers = 0.9};
  time_point now = start;
  run(pace, path, now, 300ms);
  CHECK(pace.rate() > 300'000);
}

TEST_CASE("stateless pace: an overrun of the ring lowers the rate, even a fixed one", "[scan][stateless_pace]") {
  stateless_pace pace({.rate = 1000}, start);
  pace.overrun(start + 1s);
  CHECK(pace.rate() < 750);
  CHECK(pace.lowered() == start + 1s);
}

TEST_CASE("stateless pace: a sender that is often late does not overflow the short queue of a bottleneck",
          "[scan][stateless_pace]") {
  stateless_pace pace({}, start);
  path_model path{.rate = 20'000, .queue = 50, .delay = 10ms};
  time_point now = start;
  static_cast<void>(run(pace, path, now, 2s));
  const std::uint64_t lost_before = path.lost;
  std::uint64_t sent = 0;
  for (int turn = 0; turn < 100; ++turn) {
    now += 8ms;  // another process had the core
    sent += run(pace, path, now, 12ms);
  }
  CHECK(sent > 10'000);
  // Without delays it loses 6 % there, which repeated probes make up for.
  CHECK(static_cast<double>(path.lost - lost_before) < 0.07 * static_cast<double>(sent));
}

TEST_CASE("stateless pace: after a jump of the clock it does not send what it could have sent meanwhile",
          "[scan][stateless_pace]") {
  const double rate = GENERATE(0, 1000, 100'000);
  const bool is_adaptive = rate == 0;
  stateless_pace pace({.rate = rate}, start);
  path_model path{.rate = 20'000};
  time_point now = start;
  static_cast<void>(run(pace, path, now, 300ms));
  now += 1min;
  const double lag = is_adaptive ? 0.002 : 0.01;
  const auto first = static_cast<double>(pace.allowed(now, 10'000'000, frame));
  CHECK(first >= 1);
  CHECK(first <= lag * pace.rate() + 1);
  const double before = pace.rate();
  const auto sent = static_cast<double>(run(pace, path, now, 20ms));
  CHECK(sent <= (0.02 + lag) * std::max(before, pace.rate()) + 1);
}

TEST_CASE("stateless pace: a jump of the clock does not lower the rate, however late the answers come",
          "[scan][stateless_pace]") {
  const bool is_answered = GENERATE(true, false);
  const duration before_jump = GENERATE(240ms, 250ms, 260ms);
  stateless_pace pace({}, start);
  path_model path{.delay = 30ms};
  time_point now = start;
  static_cast<void>(run(pace, path, now, before_jump));
  REQUIRE(path.under_way.size() > 1000);
  const double before = pace.rate();
  constexpr duration jump = 1min;
  if (!is_answered) path.under_way.clear();
  now += jump;
  for (auto& each : path.under_way) each.arrives += jump;
  static_cast<void>(run(pace, path, now, 40ms));
  CHECK(pace.rate() >= before);
  CHECK(pace.lowered() < start);
}

}  // namespace netlab::scan::stateless_pace_test
