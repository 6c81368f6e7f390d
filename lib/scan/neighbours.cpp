// SPDX-License-Identifier: MIT
#include "scan/neighbours.hpp"

#include <utility>

#include "scan/pace.hpp"

namespace netlab::scan {

neighbour_table::entry neighbour_table::find(const key& of, time_point now) const {
  const auto at = hosts_.find(of);
  if (at == hosts_.end()) return {};
  if (at->second.now == state::silent && now >= at->second.until) return {};
  return {at->second.now, at->second.mac};
}

void neighbour_table::make_room() {
  // A host for which probes wait is kept: the probes are bounded, too.
  for (std::size_t tries = order_.size(); hosts_.size() >= max_hosts && tries > 0; --tries) {
    const key oldest = order_.front();
    order_.pop_front();
    const auto at = hosts_.find(oldest);
    if (at == hosts_.end()) continue;
    if (at->second.now == state::asking)
      order_.push_back(oldest);
    else
      hosts_.erase(at);
  }
}

bool neighbour_table::wait(const key& of, const stateless_sweep::probe& probe, time_point now) {
  make_room();
  auto [at, is_new] = hosts_.try_emplace(of);
  host& waiting_host = at->second;
  if (is_new) order_.push_back(of);
  const bool asks = is_new || waiting_host.now != state::asking;
  if (asks) {
    waiting_host.now = state::asking;
    waiting_host.asked = 1;
    waiting_host.stalls = 0;
    requests_.push_back({now + request_interval, of});
  }
  waiting_host.waiting.push_back(probe);
  ++waiting_;
  return asks;
}

std::vector<stateless_sweep::probe> neighbour_table::learn(const key& of, const mac_address& mac, time_point now,
                                                           bool keep) {
  static_cast<void>(now);
  auto at = hosts_.find(of);
  if (at == hosts_.end()) {
    if (!keep) return {};
    make_room();
    at = hosts_.try_emplace(of).first;
    order_.push_back(of);
  }
  host& waiting_host = at->second;
  waiting_host.now = state::known;
  waiting_host.mac = mac;
  waiting_ -= waiting_host.waiting.size();
  return std::exchange(waiting_host.waiting, {});
}

std::optional<neighbour_table::event> neighbour_table::tick(time_point now) {
  while (!requests_.empty() && requests_.front().at <= now) {
    const auto [due, of] = requests_.front();
    requests_.pop_front();
    const auto at = hosts_.find(of);
    if (at == hosts_.end() || at->second.now != state::asking) continue;
    host& waiting_host = at->second;
    // A request that was due so long ago does not count.
    if (now - due > stall_detector::limit && waiting_host.stalls < stall_detector::max_restarts) {
      ++waiting_host.stalls;
      --waiting_host.asked;
    }
    event made{.host = of, .is_silent = waiting_host.asked >= max_requests, .probes = {}};
    if (made.is_silent) {
      waiting_host.now = state::silent;
      waiting_host.until = now + silence_lasts;
      waiting_ -= waiting_host.waiting.size();
      made.probes = std::exchange(waiting_host.waiting, {});
    } else {
      ++waiting_host.asked;
      requests_.push_back({now + request_interval, of});
    }
    return made;
  }
  return std::nullopt;
}

}  // namespace netlab::scan
