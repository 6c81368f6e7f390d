// SPDX-License-Identifier: MIT
#include "scan/dry_run.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace netlab::scan::dry_run_test {

using namespace std::chrono_literals;

namespace {

std::vector<planned_probe> all(const scan_plan& plan, std::uint64_t targets, std::vector<std::uint64_t> skipped = {}) {
  std::vector<planned_probe> probes;
  dry_run run(plan, targets, std::move(skipped));
  while (const auto probe = run.next()) probes.push_back(*probe);
  return probes;
}

auto key(const planned_probe& of) { return std::tuple(of.protocol, of.target, of.port); }

}  // namespace

TEST_CASE("dry_run: each probe is in exactly one part", "[scan][dry_run]") {
  const bool is_stateless = GENERATE(false, true);
  for (const std::uint64_t targets : {1U, 5U})
    for (const std::uint32_t count : {1U, 2U, 7U}) {
      std::set<std::tuple<transport, std::uint64_t, std::uint16_t>> seen;
      std::size_t sent = 0;
      for (std::uint32_t index = 1; index <= count; ++index) {
        const scan_plan plan{.tcp_ports = {22, 80, 443},
                             .udp_ports = {53, 123},
                             .seed = 5,
                             .part = {index, count},
                             .stateless_udp = is_stateless};
        for (const planned_probe& each : all(plan, targets)) {
          CHECK(each.target < targets);
          CHECK(each.at == 0ns);
          seen.insert(key(each));
          ++sent;
        }
      }
      CAPTURE(targets, count);
      CHECK(sent == targets * 5);
      CHECK(seen.size() == sent);
    }
}

TEST_CASE("dry_run: the seed decides the order", "[scan][dry_run]") {
  scan_plan plan;
  for (std::uint16_t port = 1; port <= 100; ++port) plan.tcp_ports.push_back(port);
  plan.seed = 1;
  const auto one = all(plan, 2);
  CHECK(std::ranges::equal(one, all(plan, 2), {}, key, key));
  plan.seed = 2;
  CHECK(!std::ranges::equal(one, all(plan, 2), {}, key, key));
  CHECK(!std::ranges::is_sorted(one, {}, key));
}

TEST_CASE("dry_run: the times keep the rate", "[scan][dry_run]") {
  scan_plan plan{.tcp_ports = {1, 2, 3, 4}, .rate = 100};
  const auto tcp = all(plan, 1);
  REQUIRE(tcp.size() == 4);
  for (std::size_t at = 0; at < 4; ++at) CHECK(tcp[at].at == at * 10ms);
  plan.udp_ports = {1, 2, 3, 4};
  const auto both = all(plan, 1);
  REQUIRE(both.size() == 8);
  CHECK(std::ranges::is_sorted(both, {}, &planned_probe::at));
  for (std::size_t at = 0; at < 8; ++at) CHECK(both[at].at == at / 2 * 20ms);
  // In two seconds, the kernel sends a SYN twice.
  plan = {.tcp_ports = {1, 2}, .rate = 100, .timeout = 2s};
  CHECK(all(plan, 1).at(1).at == 20ms);
}

TEST_CASE("dry_run: targets that are skipped take no time and change no order", "[scan][dry_run]") {
  const scan_plan plan{
      .tcp_ports = {1, 2, 3}, .udp_ports = {4, 5}, .seed = 5, .stateless_udp = GENERATE(false, true), .rate = 200};
  auto whole = all(plan, 6);
  std::erase_if(whole, [](const planned_probe& one) { return one.target == 0 || one.target == 4; });
  const auto some = all(plan, 6, {0, 4});
  CHECK(some.size() == 4 * 5);
  for (const transport protocol : {transport::tcp, transport::udp}) {
    std::vector<planned_probe> left;
    std::vector<planned_probe> rest;
    const auto is_its = [&](const planned_probe& one) { return one.protocol == protocol; };
    std::ranges::copy_if(some, std::back_inserter(left), is_its);
    std::ranges::copy_if(whole, std::back_inserter(rest), is_its);
    CHECK(std::ranges::equal(left, rest, {}, key, key));
    for (std::size_t at = 0; at < left.size(); ++at) CHECK(left[at].at == at * 10ms);
  }
  CHECK(all(plan, 2, {0, 1}).empty());
}

TEST_CASE("dry_run: nothing to send", "[scan][dry_run]") {
  CHECK(all({.tcp_ports = {1}, .part = {3, 3}}, 2).empty());
  CHECK(all({.udp_ports = {1}, .part = {3, 3}}, 2).empty());
  CHECK(all({}, 2).empty());
}

}  // namespace netlab::scan::dry_run_test
