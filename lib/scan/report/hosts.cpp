// SPDX-License-Identifier: MIT
#include "scan/report/hosts.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "scan/report/report.hpp"

namespace netlab::scan {
namespace {

/// The properties shared by ports that are summed up together; of a finding or a tally.
template <class Ports>
auto key_of(const Ports& ports) {
  return std::tuple(ports.protocol, ports.state, ports.why, ports.system_error);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_number(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  while (number.size() > 1 && number.front() == '0') number.remove_prefix(1);
  return number;
}

}  // namespace

bool natural_less(std::string_view one, std::string_view other) noexcept {
  while (!one.empty() && !other.empty()) {
    if (is_digit(one.front()) && is_digit(other.front())) {
      const std::string_view left = take_number(one);
      const std::string_view right = take_number(other);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
    } else {
      if (one.front() != other.front()) return one.front() < other.front();
      one.remove_prefix(1);
      other.remove_prefix(1);
    }
  }
  return one.empty() && !other.empty();
}

std::string port_ranges(const std::vector<std::uint16_t>& ports) {
  std::string text;
  for (std::size_t first = 0; first < ports.size();) {
    std::size_t last = first;
    while (last + 1 < ports.size() && ports[last + 1] == ports[last] + 1) ++last;
    if (!text.empty()) text += ',';
    fmt::format_to(std::back_inserter(text), "{}", ports[first]);
    if (last != first) fmt::format_to(std::back_inserter(text), "-{}", ports[last]);
    first = last + 1;
  }
  return text;
}

host_table::host_table(bool all, std::uint64_t targets, bool every_answer)
    : all_(all), several_(targets > 1), open_only_(targets > many_targets), every_answer_(every_answer) {}

void host_table::add(const finding& found) {
  const bool is_answer = found.state == port_state::open || found.state == port_state::closed;
  if (open_only_ && !all_ && found.state != port_state::open) {
    if (every_answer_ && is_answer) silent_.try_emplace(found.address, found.host);
    return;
  }
  const auto [at, is_new] = index_.try_emplace(fmt::format("{} {}", found.address, found.host), hosts_.size());
  if (is_new)
    hosts_.push_back({.ports = {.host = found.host, .address = found.address, .other_names = found.other_names}});
  entry& host = hosts_[at->second];
  if (is_answer) host.ports.has_answered = true;
  if (all_ || found.state == port_state::open) {
    host.ports.listed.push_back(found);
    return;
  }
  if (found.state == port_state::closed) {
    sum_up(host.ports, found);
    return;
  }
  std::size_t& count =
      host.counts[static_cast<std::size_t>(found.protocol) * port_state_count + static_cast<std::size_t>(found.state)];
  ++count;
  if (count <= listed_limit) {
    host.ports.listed.push_back(found);
    return;
  }
  if (count == listed_limit + 1) {
    const auto is_like = [&](const finding& each) {
      return each.protocol == found.protocol && each.state == found.state;
    };
    for (const finding& each : host.ports.listed)
      if (is_like(each)) sum_up(host.ports, each);
    std::erase_if(host.ports.listed, is_like);
  }
  sum_up(host.ports, found);
}

void host_table::sum_up(host_ports& of, const finding& found) {
  const auto at =
      std::ranges::find_if(of.summed, [&](const port_tally& each) { return key_of(each) == key_of(found); });
  if (at != of.summed.end())
    at->ports.push_back(found.port);
  else
    of.summed.push_back({found.protocol, found.state, found.why, found.system_error, {found.port}});
}

void host_table::sum_up_if_alike(host_ports& of) {
  if (of.listed.size() < 2 || !of.summed.empty()) return;
  for (const finding& each : of.listed)
    if (each.state == port_state::open || key_of(each) != key_of(of.listed.front())) return;
  for (const finding& each : of.listed) sum_up(of, each);
  of.listed.clear();
}

std::vector<host_ports> host_table::take() {
  std::vector<host_ports> taken;
  taken.reserve(hosts_.size());
  for (entry& each : hosts_) {
    if (several_ && !all_) sum_up_if_alike(each.ports);
    taken.push_back(std::move(each.ports));
  }
  for (const auto& [at, host] : silent_)
    if (!index_.contains(fmt::format("{} {}", at, host)))
      taken.push_back({.host = host, .address = at, .has_answered = true});
  hosts_.clear();
  index_.clear();
  silent_.clear();
  std::ranges::sort(taken, [](const host_ports& one, const host_ports& other) {
    return natural_less(one.address, other.address) ||
           (one.address == other.address && natural_less(one.host, other.host));
  });
  for (host_ports& each : taken) {
    std::ranges::sort(each.listed, {}, [](const finding& f) { return std::tuple(f.protocol, f.port); });
    std::ranges::sort(each.summed, {}, [](const port_tally& t) { return std::tuple(t.protocol, t.state, t.why); });
    for (port_tally& tally : each.summed) std::ranges::sort(tally.ports);
  }
  return taken;
}

}  // namespace netlab::scan
