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
      tcp_order_(targets * plan.tcp_ports.size(), plan.seed),
      udp_order_(targets, plan.udp_ports.size(), plan.seed, plan.part),
      tcp_all_(plan.part.size_of(targets * plan.tcp_ports.size())) {
  const bool both = !plan.tcp_ports.empty() && !plan.udp_ports.empty();
  const duration gap = gap_of(both ? plan.rate / 2 : plan.rate);
  // The SYNs that the kernel may send again count from the beginning.
  tcp_gap_ = plan.syn ? gap : gap * (1 + attempt_plan(syn_schedule(), plan.timeout, plan.retries).at(1).repetitions);
  udp_gap_ = gap;
  fill_udp();
}

void dry_run::fill_udp() {
  while (target_ports_.empty() && host_ < udp_order_.hosts()) {
    target_ = udp_order_.host(host_++);
    if (is_skipped(target_)) continue;
    target_ports_ = udp_order_.ports_of(target_);
    std::ranges::reverse(target_ports_);
  }
}

bool dry_run::is_skipped(std::uint64_t target) const { return std::ranges::binary_search(skipped_, target); }

std::optional<planned_probe> dry_run::next_tcp() {
  const std::uint64_t ports = plan_.tcp_ports.size();
  for (; tcp_place_ < tcp_all_; ++tcp_place_) {
    const std::uint64_t item = tcp_order_(plan_.part.place(tcp_place_));
    if (is_skipped(item / ports)) continue;
    return planned_probe{transport::tcp, item / ports, plan_.tcp_ports[item % ports],
                         tcp_gap_ * static_cast<std::int64_t>(tcp_)};
  }
  return std::nullopt;
}

std::optional<planned_probe> dry_run::next() {
  const auto tcp = next_tcp();
  const duration udp_at = udp_gap_ * static_cast<std::int64_t>(udp_);
  if (tcp && (target_ports_.empty() || tcp->at <= udp_at)) {
    ++tcp_;
    ++tcp_place_;
    return tcp;
  }
  if (target_ports_.empty()) return std::nullopt;
  const planned_probe made{transport::udp, target_, plan_.udp_ports[target_ports_.back()], udp_at};
  ++udp_;
  target_ports_.pop_back();
  fill_udp();
  return made;
}

}  // namespace netlab::scan
