// SPDX-License-Identifier: MIT
#include "scan/udp_prober.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <array>
#include <cerrno>
#include <map>
#include <random>

#include "support/start.hpp"

namespace netlab::scan::udp_prober_test {

using namespace std::chrono_literals;
using test::start;

namespace {

/// A Linux host: open ports reply, silent ports do not, closed ports send ICMP errors while there are tokens.
struct host {
  // 'o' open, 's' silent, 'p' prohibited, 'r' unreachable, sent by a router; all others are closed
  std::map<std::uint16_t, char> ports;
  std::map<std::uint16_t, duration> delays;  // of answers; others: `rtt`
  bool one_limit = true;                // one limit for all kinds of errors, as in Linux; false: one for each kind
  duration period = 1s;                 // 0: no limit
  double burst = 6;
  double at_first = 6;
  duration rtt = 200us;
  duration send_time = 3us;             // of one datagram, on the scanning machine
  duration first_rtt{};                      // for probes of the first 50 ms; 0: `rtt`
  double loss = 0;
  bool icmp = true;
  time_point gone = never;

  [[nodiscard]] char kind(std::uint16_t port) const {
    const auto found = ports.find(port);
    return found == ports.end() ? 'c' : found->second;
  }
};

port_verdict truth(char kind) {
  switch (kind) {
    case 'o': return {.state = port_state::open, .why = reason::reply};
    case 's': return {.state = port_state::open_filtered, .why = reason::no_response};
    case 'p': return {.state = port_state::filtered, .why = reason::admin_prohibited, .sender = address::v4(2)};
    case 'r': return {.state = port_state::filtered, .why = reason::host_unreachable, .sender = address::v4(3)};
    default: return {.state = port_state::closed, .why = reason::port_unreachable, .sender = address::v4(2)};
  }
}

struct outcome {
  std::map<std::uint16_t, port_verdict> seen;
  std::map<std::uint16_t, unsigned> asked;  // probes sent to each port, including ports not in the list
  duration took{};
  std::size_t sent = 0;
};

/// Limits the datagrams per second, except those that are sent at once with the one before.
class pacer {
 public:
  explicit pacer(double rate) : gap_(rate > 0 ? duration(static_cast<std::int64_t>(1e9 / rate)) : duration(0)) {}
  [[nodiscard]] time_point when(const udp_prober::probe& what) const { return what.at_once ? start : next_; }
  void take(time_point now) { next_ = std::max(next_, now) + gap_; }

 private:
  duration gap_;
  time_point next_ = start;
};

outcome run(const host& other, std::uint16_t last, udp_prober_options how, duration limit = 10min, double rate = 0) {
  std::mt19937_64 random(7);  // NOLINT: the same numbers each time
  std::bernoulli_distribution lost(other.loss);
  std::vector<std::uint16_t> ports;
  for (std::uint16_t port = 1; port <= last; ++port) ports.push_back(port);
  std::shuffle(ports.begin(), ports.end(), random);
  time_point now = start;
  udp_prober mind(how, ports, now);
  pacer pace(rate);
  std::multimap<time_point, std::pair<std::uint16_t, std::size_t>> arrivals;
  struct bucket {
    double tokens;
    time_point filled;
  };
  std::map<std::pair<std::size_t, char>, bucket> buckets;
  outcome result;
  while (!mind.done() && now < start + limit) {
    while (!arrivals.empty() && arrivals.begin()->first <= now) {
      const auto [port, source] = arrivals.begin()->second;
      arrivals.erase(arrivals.begin());
      if (other.kind(port) == 'o')
        mind.replied(port, as_bytes("hello"), now);
      else
        mind.refused(port, source, truth(other.kind(port)), now);
    }
    mind.tick(now);
    time_point held_until = never;
    while (const auto probe = mind.next(now)) {
      if (pace.when(*probe) > now) {
        held_until = pace.when(*probe);
        break;
      }
      pace.take(now);
      mind.sent(*probe, now, now + other.send_time);
      ++result.sent;
      ++result.asked[probe->port];
      now += other.send_time;
      if (lost(random) || now >= other.gone) continue;
      const char kind = other.kind(probe->port);
      if (kind == 's') continue;
      const auto delay = other.delays.find(probe->port);
      const duration rtt = now < start + 50ms && other.first_rtt > 0ns ? other.first_rtt : other.rtt;
      const time_point arrival = now + (delay == other.delays.end() ? rtt : delay->second);
      if (kind != 'o') {
        if (!other.icmp) continue;
        bucket& level =
            buckets.try_emplace({probe->source, other.one_limit ? 'c' : kind}, bucket{other.at_first, start})
                .first->second;
        if (other.period > 0ns) {
          level.tokens = std::min(other.burst, level.tokens + static_cast<double>((now - level.filled).count()) /
                                                                  static_cast<double>(other.period.count()));
          level.filled = now;
          if (level.tokens < 1) continue;
          level.tokens -= 1;
        }
      }
      if (!lost(random)) arrivals.emplace(arrival, std::pair(probe->port, probe->source));
    }
    while (auto answer = mind.take_answer()) {
      REQUIRE(result.seen.emplace(answer->port, answer->verdict).second);
      if (mind.done()) result.took = now - start;
    }
    if (mind.done()) break;
    time_point wake = held_until == never ? mind.wake(now) : held_until;
    if (!arrivals.empty()) wake = std::min(wake, arrivals.begin()->first);
    now = std::max(now + 1us, wake);
  }
  if (!mind.done()) mind.abandon();
  while (auto answer = mind.take_answer()) REQUIRE(result.seen.emplace(answer->port, answer->verdict).second);
  CHECK(result.seen.size() == last);
  result.took = now - start;
  return result;
}

std::size_t wrong(const outcome& result, const host& other) {
  std::size_t count = 0;
  for (const auto& [port, verdict] : result.seen) {
    const port_verdict right = truth(other.kind(port));
    count += verdict.state == right.state && verdict.why == right.why ? 0U : 1U;
  }
  return count;
}

host with_services() {
  host made;
  for (std::uint16_t port = 3; port <= 50; port = static_cast<std::uint16_t>(port + 3)) made.ports[port] = 's';
  made.ports[7] = made.ports[13] = 'o';
  return made;
}

double seconds(duration span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

TEST_CASE("udp_prober: behind a limit of one ICMP error a second every port is right, in hardly more time",
          "[scan][unit]") {
  host other = with_services();
  other.rtt = GENERATE(100us, 30ms);
  const outcome result = run(other, 50, {});
  CHECK(wrong(result, other) == 0);
  const double closed = 50 - static_cast<double>(other.ports.size());
  CHECK(seconds(result.took) < 1.1 * (closed - 6) + 1.1);  // the last silent port needs a second
}

TEST_CASE("udp_prober: the time between tokens is found out", "[scan][unit]") {
  host other = with_services();
  other.period = GENERATE(62ms, 100ms, 250ms, 3s);
  const outcome result = run(other, 50, {});
  CHECK(wrong(result, other) == 0);
  const double closed = 50 - static_cast<double>(other.ports.size());
  CHECK(seconds(result.took) < 1.1 * (closed - 6) * seconds(other.period) + 2.5);
}

TEST_CASE("udp_prober: all closed, all silent, all open", "[scan][unit]") {
  host other;
  const char kind = GENERATE('c', 's', 'o');
  if (kind != 'c')
    for (std::uint16_t port = 1; port <= 20; ++port) other.ports[port] = kind;
  const outcome result = run(other, 20, {});
  CHECK(wrong(result, other) == 0);
  CHECK(seconds(result.took) < (kind == 'c' ? 16 : 6));
}

TEST_CASE("udp_prober: a host without ICMP is silent, and that is said soon", "[scan][unit]") {
  host other = with_services();
  other.icmp = false;
  const outcome result = run(other, 50, {});
  CHECK(result.seen.at(7).state == port_state::open);
  CHECK(result.seen.at(1).state == port_state::open_filtered);
  CHECK(seconds(result.took) < 6);
}

TEST_CASE("udp_prober: loopback ends at once", "[scan][unit]") {
  host other = with_services();
  other.period = 0s;
  other.rtt = 20us;
  const outcome result = run(other, 50, {.is_loopback = true});
  CHECK(wrong(result, other) == 0);
  CHECK(seconds(result.took) < 1.5);  // a silent port needs a second
}

TEST_CASE("udp_prober: a busy machine, which takes long to send, comes to the right states, too", "[scan][unit]") {
  host other;
  other.ports = {{7, 'o'}, {100, 's'}};
  other.period = 0ns;
  other.rtt = GENERATE(10us, 2ms);
  other.send_time = GENERATE(300us, 1500us, 5ms);
  const outcome all = run(other, 120, {.is_loopback = true});
  CHECK(wrong(all, other) == 0);
  CHECK(seconds(all.took) < 5);
}

TEST_CASE("udp_prober: several sources share the work", "[scan][unit]") {
  const host other = with_services();
  const outcome result = run(other, 50, {.sources = 4});
  CHECK(wrong(result, other) == 0);
  CHECK(seconds(result.took) < 6);
}

TEST_CASE("udp_prober: lost packets do not make closed ports open|filtered", "[scan][unit]") {
  host other = with_services();
  other.loss = 0.02;
  const outcome result = run(other, 50, {.proofs = 4});
  CHECK(wrong(result, other) == 0);
}

TEST_CASE("udp_prober: what the limit hides is unknown when the time is up", "[scan][unit]") {
  const host other = with_services();
  const outcome result = run(other, 50, {}, 5s);
  std::size_t unknown = 0;
  for (const auto& [port, verdict] : result.seen) {
    if (verdict.state == port_state::open_filtered) CHECK(other.ports.contains(port));
    unknown += verdict.state == port_state::unknown ? 1U : 0U;
  }
  CHECK(unknown > 10);
}

TEST_CASE("udp_prober: a host that goes away leaves unknown ports, not open ones", "[scan][unit]") {
  host other = with_services();
  other.gone = start + 5s;
  const outcome result = run(other, 50, {});
  for (const auto& [port, verdict] : result.seen)
    if (!other.ports.contains(port)) CHECK(verdict.state != port_state::open_filtered);
  CHECK(seconds(result.took) < 30);
}

TEST_CASE("udp_prober: a host whose tokens were used up before is not taken for one without ICMP", "[scan][unit]") {
  host other = with_services();
  other.period = GENERATE(100ms, 1s);
  other.at_first = 0;
  const outcome result = run(other, 50, {});
  CHECK(wrong(result, other) == 0);
}

TEST_CASE("udp_prober: silence is a verdict only when --timeout has passed since a port's last datagram",
          "[scan][unit]") {
  host other = with_services();
  for (std::uint16_t port = 30; port <= 40; ++port) other.ports[port] = 'o';
  other.delays = {{30, 300ms}, {31, 600ms}, {32, 900ms}, {33, 999ms}, {34, 400ms}, {8, 500ms}, {10, 950ms}};
  other.period = GENERATE(0ms, 1000ms);
  const outcome result = run(other, 50, {.is_loopback = GENERATE(false, true)});
  CHECK(wrong(result, other) == 0);
}

TEST_CASE("udp_prober: a host whose ICMP errors all come late is right in every port", "[scan][unit]") {
  host other = with_services();
  other.rtt = GENERATE(300ms, 700ms, 990ms);
  other.period = GENERATE(0ms, 100ms, 1000ms);
  const outcome result = run(other, 30, {});
  CHECK(wrong(result, other) == 0);
}

TEST_CASE("udp_prober: that the first answers took longer than all others hides nothing", "[scan][unit]") {
  host other;
  other.ports = {{1, 's'}, {2, 's'}};
  other.first_rtt = GENERATE(5ms, 40ms);
  other.period = GENERATE(0ms, 100ms, 1000ms);
  const outcome result = run(other, GENERATE(as<std::uint16_t>(), 3, 20), {}, 1min);
  CHECK(wrong(result, other) == 0);
}

TEST_CASE("udp_prober: any kind of ICMP error has its limit and proves its own state", "[scan][unit]") {
  host other;
  other.one_limit = GENERATE(true, false);
  const std::string kinds = GENERATE("p", "r", "pc", "rs", "prcso", "psrs");
  for (std::uint16_t port = 1; port <= 50; ++port) other.ports[port] = kinds[port % kinds.size()];
  const outcome result = run(other, 50, {});
  CHECK(wrong(result, other) == 0);
  CHECK(seconds(result.took) < 60);
}

TEST_CASE("udp_prober: the truth holds at any rate", "[scan][unit]") {
  host other;
  if (GENERATE(false, true))
    for (const std::uint16_t port : std::array<std::uint16_t, 4>{3, 9, 12, 20}) other.ports[port] = 's';
  other.period = GENERATE(1000ms, 100ms, 1500ms);
  const double rate = GENERATE(1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 300.0, 1000.0);
  CAPTURE(rate, other.period, other.ports.size());
  const outcome result =
      run(other, 25, {.burst = std::clamp<std::size_t>(static_cast<std::size_t>(rate / 4), 1, 48)}, 30min, rate);
  CHECK(wrong(result, other) == 0);
  CHECK(static_cast<double>(result.sent) <= rate * seconds(result.took) + 50);
  const double closed = 25 - static_cast<double>(other.ports.size());
  if (rate >= 20) CHECK(seconds(result.took) < 1.5 * (closed - 6) * seconds(other.period) + 5);
}

TEST_CASE("udp_prober: asked once, each port has one datagram, and what that does not show is unknown",
          "[scan][unit]") {
  host other = with_services();
  const outcome result = run(other, 50, {.proofs = 1, .ask_once = true});
  for (std::uint16_t port = 1; port <= 50; ++port) CHECK(result.asked.at(port) == 1);
  std::map<port_state, unsigned> counts;
  for (const auto& [port, verdict] : result.seen) {
    ++counts[verdict.state];
    if (verdict.state != port_state::unknown) CHECK(verdict.state == truth(other.kind(port)).state);
  }
  CHECK(counts[port_state::closed] == 6);
  CHECK(counts[port_state::open] == 2);
  CHECK(seconds(result.took) < 1.1);
}

TEST_CASE("udp_prober: asked once, silent ports beside a closed one are known", "[scan][unit]") {
  host other;
  for (std::uint16_t port = 1; port <= 10; ++port) other.ports[port] = 's';
  const outcome result = run(other, 10, {.proofs = 1, .ask_once = true});
  CHECK(wrong(result, other) == 0);
  CHECK(result.sent == 11);
}

TEST_CASE("udp_prober: the range is strict where that is wished, and then silence alone proves nothing",
          "[scan][unit]") {
  host other;
  for (std::uint16_t port = 1; port <= 5; ++port) other.ports[port] = 's';
  for (const bool once : {false, true}) {
    const outcome result = run(other, 5, {.proofs = once ? 1U : 2U, .ask_once = once, .strict_range = true});
    for (const auto& [port, times] : result.asked) CHECK(port <= 5);
    for (const auto& [port, verdict] : result.seen) {
      CHECK(verdict.state == port_state::unknown);
      CHECK(verdict.why == reason::no_response);
    }
  }
  const outcome free = run(other, 5, {});
  CHECK(wrong(free, other) == 0);
  CHECK(free.asked.size() > 5);
  // A closed port of the list can be used instead.
  const outcome with_closed = run(other, 6, {.strict_range = true});
  CHECK(wrong(with_closed, other) == 0);
  CHECK(with_closed.asked.size() == 6);
}

TEST_CASE("udp_prober: a host that is unreachable is so in every port that was asked", "[scan][unit]") {
  const std::vector<std::uint16_t> ports{1, 2, 3};
  udp_prober mind({}, ports, start);
  const port_verdict nobody{.state = port_state::filtered, .why = reason::host_unreachable};
  for (int count = 0; count < 2; ++count) mind.sent(*mind.next(start), start, start);
  mind.unreachable(nobody);
  CHECK(mind.left() == 1);
  mind.abandon({.why = reason::net_unreachable, .is_local = true});
  CHECK(mind.done());
  std::map<reason, int> seen;
  while (const auto answer = mind.take_answer()) ++seen[answer->verdict.why];
  CHECK(seen == std::map<reason, int>{{reason::host_unreachable, 2}, {reason::net_unreachable, 1}});
}

}  // namespace netlab::scan::udp_prober_test
