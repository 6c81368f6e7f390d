// SPDX-License-Identifier: MIT
// The probes of a scan without sending them. No socket, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "scan/finding.hpp"
#include "scan/order.hpp"
#include "scan/plan.hpp"
#include "scan/udp_order.hpp"

namespace netlab::scan {

struct planned_probe {
  transport protocol = transport::tcp;
  std::uint64_t target = 0;  ///< its place in the target_set
  std::uint16_t port = 0;
  duration at{};             ///< after the beginning; 0 without a rate, which then depends on the answers
};

/// The first probe of each port, in the order and at the time in which the engines send them if every port answers at
/// once: TCP and UDP side by side, each with half of the rate. Silent ports are probed again later; those probes are
/// not shown. Targets that are skipped take no time.
class dry_run {
 public:
  /// `plan` must outlive it. `targets`: their number. `skipped`: as skipped_places() returns them.
  dry_run(const scan_plan& plan, std::uint64_t targets, std::vector<std::uint64_t> skipped = {});

  [[nodiscard]] std::optional<planned_probe> next();

 private:
  /// The probes of one transport, in the order of the permutation of all ports of all targets.
  struct sequence {
    sequence(transport of_protocol, const std::vector<std::uint16_t>& of_ports, std::uint64_t targets,
             const scan_plan& plan, duration of_gap)
        : protocol(of_protocol),
          ports(of_ports),
          gap(of_gap),
          order(targets * of_ports.size(), plan.seed),
          place_count(plan.part.size_of(targets * of_ports.size())) {}
    transport protocol;
    const std::vector<std::uint16_t>& ports;
    duration gap;
    permutation order;
    std::uint64_t place_count;  // in the part
    std::uint64_t place = 0;  // of the next probe
    std::uint64_t probe_count = 0;  // so far
  };
  [[nodiscard]] bool is_skipped(std::uint64_t target) const;
  [[nodiscard]] std::optional<planned_probe> next_of(sequence& of) const;
  [[nodiscard]] std::optional<planned_probe> next_by_host() const;
  void fill_by_host();

  const scan_plan& plan_;
  std::vector<std::uint64_t> skipped_;
  sequence tcp_;
  sequence udp_;  // empty unless the UDP scan is stateless
  udp_order udp_order_;
  std::uint64_t next_host_ = 0;
  std::uint64_t target_ = 0;  // that target_ports_ are of
  std::vector<std::uint64_t> target_ports_;  // in reverse order: the next one is last
};

}  // namespace netlab::scan
