// SPDX-License-Identifier: MIT
#include "scan/udp_prober.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <cerrno>
#include <map>
#include <random>

using namespace netlab;
using namespace netlab::scan;
using namespace std::chrono_literals;

namespace {

const time_point start{1h};

/// A Linux host: open ports reply, silent ones do not, closed ones send ICMP while a token is there.
struct host {
  std::map<std::uint16_t, char> ports;  // 'o' open, 's' silent; else closed
  duration period = 1s;                 // 0: no limit
  double burst = 6;
  double at_first = 6;
  duration rtt = 200us;
  double loss = 0;
  bool icmp = true;
  time_point gone = never;
};

struct outcome {
  std::map<std::uint16_t, port_verdict> seen;
  duration took{};
  std::size_t sent = 0;
};

outcome run(const host& other, std::uint16_t last, udp_prober_options how, duration limit = 10min) {
  std::mt19937_64 random(7);  // NOLINT: the same numbers each time
  std::bernoulli_distribution lost(other.loss);
  std::vector<std::uint16_t> ports;
  for (std::uint16_t port = 1; port <= last; ++port) ports.push_back(port);
  std::shuffle(ports.begin(), ports.end(), random);
  time_point now = start;
  udp_prober mind(how, ports, now);
  std::multimap<time_point, std::tuple<std::uint16_t, std::size_t, bool>> arrivals;
  std::vector<double> tokens(how.sources, other.at_first);
  std::vector<time_point> filled(how.sources, now);
  outcome result;
  while (!mind.done() && now < start + limit) {
    while (!arrivals.empty() && arrivals.begin()->first <= now) {
      const auto [port, source, is_reply] = arrivals.begin()->second;
      arrivals.erase(arrivals.begin());
      if (is_reply)
        mind.replied(port, as_bytes("hello"), now);
      else
        mind.refused(port, source, {port_state::closed, reason::port_unreachable, ECONNREFUSED}, now);
    }
    mind.tick(now);
    while (const auto probe = mind.next(now)) {
      mind.sent(*probe, now);
      ++result.sent;
      now += 3us;
      if (lost(random) || now >= other.gone) continue;
      const auto found = other.ports.find(probe->port);
      if (found != other.ports.end()) {
        if (found->second == 'o' && !lost(random))
          arrivals.emplace(now + other.rtt, std::tuple(probe->port, probe->source, true));
        continue;
      }
      if (!other.icmp) continue;
      double& level = tokens[probe->source];
      if (other.period > 0ns) {
        level = std::min(other.burst, level + static_cast<double>((now - filled[probe->source]).count()) /
                                                  static_cast<double>(other.period.count()));
        filled[probe->source] = now;
        if (level < 1) continue;
        level -= 1;
      }
      if (!lost(random)) arrivals.emplace(now + other.rtt, std::tuple(probe->port, probe->source, false));
    }
    while (auto answer = mind.take_answer()) {
      REQUIRE(result.seen.emplace(answer->port, answer->verdict).second);
      if (mind.done()) result.took = now - start;
    }
    if (mind.done()) break;
    time_point wake = mind.wake(now);
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
    const auto found = other.ports.find(port);
    const port_state truth = found == other.ports.end() ? port_state::closed
                             : found->second == 'o'     ? port_state::open
                                                        : port_state::open_filtered;
    count += verdict.state == truth ? 0U : 1U;
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
  CHECK(seconds(result.took) < 1.1 * (closed - 6) + 0.1);
}

TEST_CASE("udp_prober: the time between tokens is found out", "[scan][unit]") {
  host other = with_services();
  other.period = GENERATE(62ms, 100ms, 250ms, 3s);
  const outcome result = run(other, 50, {});
  CHECK(wrong(result, other) == 0);
  const double closed = 50 - static_cast<double>(other.ports.size());
  CHECK(seconds(result.took) < 1.1 * (closed - 6) * seconds(other.period) + 1.5);
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
  CHECK(seconds(result.took) < 0.5);
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
