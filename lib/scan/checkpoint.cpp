// SPDX-License-Identifier: MIT
#include "scan/checkpoint.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "scan/ports.hpp"

namespace netlab::scan {
namespace {

auto damaged() { return fail(errc::bad_data, "the checkpoint is damaged"); }

}  // namespace

// `120 2/1:3 4*7`: 120 is the next position; with two attempts, one of them fair: item 3, then, after a gap of 4, seven
// items in a row.
std::string to_text(const sweep_checkpoint& of) {
  std::string text = fmt::to_string(of.next);
  std::vector<asked_port> open = of.open;
  std::ranges::sort(open, {}, [](const asked_port& one) { return std::tuple(one.attempts, one.fair, one.item); });
  const auto out = std::back_inserter(text);
  std::uint64_t after = 0;  // the end of the run before
  for (std::size_t at = 0; at < open.size();) {
    const asked_port& first = open[at];
    const bool begins =
        at == 0 || std::pair(open[at - 1].attempts, open[at - 1].fair) != std::pair(first.attempts, first.fair);
    if (begins) after = 0;
    std::size_t run = 1;
    while (at + run < open.size() && open[at + run] == asked_port{first.item + run, first.attempts, first.fair}) ++run;
    if (begins)
      fmt::format_to(out, " {}/{}:{}", first.attempts, first.fair, first.item - after);
    else
      fmt::format_to(out, " {}", first.item - after);
    if (run > 1) fmt::format_to(out, "*{}", run);
    after = first.item + run;
    at += run;
  }
  return text;
}

result<sweep_checkpoint> parse_sweep_checkpoint(std::string_view text) {
  constexpr std::uint64_t most_items = std::uint64_t{1} << 62;  // as permutation
  constexpr std::size_t most_open = std::size_t{1} << 24;  // many times what a sweep leaves open
  const auto parts = words(text);
  const auto next = parts.empty() ? std::nullopt : parse_integer<std::uint64_t>(parts.front());
  if (!next || *next > most_items) return damaged();
  sweep_checkpoint made{.next = *next, .open = {}};
  asked_port now;
  std::uint64_t after = 0;
  for (std::size_t at = 1; at < parts.size(); ++at) {
    std::string_view word = parts[at];
    if (const std::size_t colon = word.find(':'); colon != std::string_view::npos) {
      const auto kind = split(word.substr(0, colon), '/');
      const auto attempts = parse_integer<std::uint16_t>(kind.front());
      const auto fair = parse_integer<std::uint16_t>(kind.back());
      if (kind.size() != 2 || !attempts || !fair || *fair > *attempts) return damaged();
      now.attempts = *attempts;
      now.fair = *fair;
      after = 0;
      word.remove_prefix(colon + 1);
    }
    const std::size_t star = word.find('*');
    const auto gap = parse_integer<std::uint64_t>(word.substr(0, star));
    const auto run = star == std::string_view::npos ? 1 : parse_integer<std::size_t>(word.substr(star + 1)).value_or(0);
    if (!gap || *gap > most_items - after || run == 0 || run > most_open - made.open.size()) return damaged();
    for (std::size_t each = 0; each < run; ++each) {
      now.item = after + *gap + each;
      made.open.push_back(now);
    }
    after = now.item + 1;
    if (after > most_items) return damaged();
  }
  return made;
}

// `7 3:1-5,9 12:53`: 7 is the next position; of target 3 the ports 1 to 5 and 9 are open, of target 12 port 53.
std::string to_text(const udp_checkpoint& of) {
  std::string text = fmt::to_string(of.next);
  for (const udp_checkpoint::host& each : of.open)
    if (!each.ports.empty()) fmt::format_to(std::back_inserter(text), " {}:{}", each.target, to_string(each.ports));
  return text;
}

result<udp_checkpoint> parse_udp_checkpoint(std::string_view text) {
  const auto parts = words(text);
  const auto next = parts.empty() ? std::nullopt : parse_integer<std::uint64_t>(parts.front());
  if (!next) return damaged();
  udp_checkpoint made{.next = *next, .open = {}};
  for (std::size_t at = 1; at < parts.size(); ++at) {
    const std::size_t colon = parts[at].find(':');
    const auto target = parse_integer<std::uint64_t>(parts[at].substr(0, colon));
    if (!target || colon == std::string_view::npos) return damaged();
    auto ports = parse_ports(parts[at].substr(colon + 1));
    if (!ports) return damaged();
    made.open.push_back({.target = *target, .ports = *std::move(ports)});
  }
  return made;
}

}  // namespace netlab::scan
