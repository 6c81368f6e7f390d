// SPDX-License-Identifier: MIT
// How far a sweep has come, and a sweep that continues there.
#include <algorithm>
#include <vector>

#include "scan/sweep.hpp"

namespace netlab::scan {

bool sweep::fits(const sweep_parameters& parameters) {
  const std::uint64_t all = parameters.targets * parameters.ports;
  if (!parameters.from) return true;
  const std::uint64_t size = (all + parameters.shards - 1 - parameters.shard) / parameters.shards;
  if (parameters.from->next > size || parameters.from->open.size() > parameters.from->next) return false;
  std::vector<std::uint64_t> items;
  items.reserve(parameters.from->open.size());
  for (const asked_port& each : parameters.from->open) items.push_back(each.item);
  std::ranges::sort(items);
  return (items.empty() || items.back() < all) && std::ranges::adjacent_find(items) == items.end();
}

sweep_checkpoint sweep::checkpoint() const {
  sweep_checkpoint made{.next = (place_ - parameters_.shard) / parameters_.shards, .open = {}};
  std::vector<bool> is_free(cases_.size());
  for (const case_number each : free_cases_) is_free[each] = true;
  for (std::size_t at = 0; at < cases_.size(); ++at) {
    const open_case& port_case = cases_[at];
    if (is_free[at] || port_case.is_done) continue;
    std::uint16_t attempts = port_case.attempts;
    for (slot_number slot = port_case.flights; slot != none; slot = flights_[slot].sibling)
      if (attempts > 0) --attempts;
    made.open.push_back({port_case.item, attempts, std::min(attempts, port_case.fair)});
  }
  return made;
}

void sweep::restore(const sweep_checkpoint& from) {
  place_ = parameters_.shard + from.next * parameters_.shards;
  done_ = from.next - from.open.size();
  first_phase_left_ = size_ - done_;
  for (const asked_port& each : from.open) {
    const case_number which = open(each.item);
    open_case& port_case = cases_[which];
    port_case.attempts = std::min<std::uint16_t>(each.attempts, most_attempts);
    port_case.fair = std::min(each.fair, port_case.attempts);
    port_case.attempts == 0 ? queue(again_, which) : ask_again_later(which);
  }
}

}  // namespace netlab::scan
