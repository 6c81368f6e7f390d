// SPDX-License-Identifier: MIT
#include "scan/dry_run.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "scan/syn_schedule.hpp"

namespace netlab::scan {
namespace {

// The same interval as in rate_limit.
duration gap_of(double rate) {
  return rate > 0 ? duration(static_cast<std::int64_t>(std::ceil(1e9 / rate))) : duration(0);
}

}  // namespace

dry_run::dry_run(const scan_plan& plan, std::uint64_t targets, std::vector<std::uint64_t> skipped)
    : plan_(plan),
      skipped_(std::move(skipped)),
      tcp_(transport::tcp, plan.tcp_ports, targets, plan, gap_of(plan.rate * share_of_rate(plan))),
      udp_(transport::udp, plan.udp_ports, targets, plan, gap_of(plan.rate * share_of_rate(plan))),
      udp_order_(targets, plan.udp_ports.size(), plan.seed, plan.part) {
  // The SYNs that the kernel may send again count from the beginning.
  if (!plan.syn) tcp_.gap *= 1 + attempt_plan(syn_schedule(), plan.timeout, plan.retries).at(1).repetitions;
  if (plan.stateless_udp) return;
  udp_.place_count = 0;
  fill_by_host();
}

void dry_run::fill_by_host() {
  while (target_ports_.empty() && next_host_ < udp_order_.hosts()) {
    target_ = udp_order_.host(next_host_++);
    if (is_skipped(target_)) continue;
    target_ports_ = udp_order_.ports_of(target_);
    std::ranges::reverse(target_ports_);
  }
}

bool dry_run::is_skipped(std::uint64_t target) const { return std::ranges::binary_search(skipped_, target); }

std::optional<planned_probe> dry_run::next_of(sequence& of) const {
  const std::uint64_t ports = of.ports.size();
  for (; of.place < of.place_count; ++of.place) {
    const std::uint64_t item = of.order(plan_.part.place(of.place));
    if (is_skipped(item / ports)) continue;
    return planned_probe{of.protocol, item / ports, of.ports[item % ports],
                         of.gap * static_cast<std::int64_t>(of.probe_count)};
  }
  return std::nullopt;
}

std::optional<planned_probe> dry_run::next_by_host() const {
  if (target_ports_.empty()) return std::nullopt;
  return planned_probe{transport::udp, target_, plan_.udp_ports[target_ports_.back()],
                       udp_.gap * static_cast<std::int64_t>(udp_.probe_count)};
}

std::optional<planned_probe> dry_run::next() {
  const auto tcp = next_of(tcp_);
  const auto udp = plan_.stateless_udp ? next_of(udp_) : next_by_host();
  if (tcp && (!udp || tcp->at <= udp->at)) {
    ++tcp_.probe_count;
    ++tcp_.place;
    return tcp;
  }
  if (!udp) return std::nullopt;
  ++udp_.probe_count;
  ++udp_.place;
  if (!plan_.stateless_udp) {
    target_ports_.pop_back();
    fill_by_host();
  }
  return udp;
}

}  // namespace netlab::scan
