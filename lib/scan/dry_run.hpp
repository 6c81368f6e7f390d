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
  /// The probes of one transport; those that follow the permutation of all ports of all targets.
  struct sequence {
    sequence(transport its_protocol, const std::vector<std::uint16_t>& its_ports, std::uint64_t targets,
             const scan_plan& plan, duration its_gap)
        : protocol(its_protocol),
          ports(its_ports),
          gap(its_gap),
          order(targets * its_ports.size(), plan.seed),
          all(plan.part.size_of(targets * its_ports.size())) {}
    transport protocol;
    const std::vector<std::uint16_t>& ports;
    duration gap;
    permutation order;
    std::uint64_t all;        // places in the part
    std::uint64_t place = 0;  // of the next probe
    std::uint64_t made = 0;   // probes
  };
  [[nodiscard]] bool is_skipped(std::uint64_t target) const;
  [[nodiscard]] std::optional<planned_probe> next_of(sequence& of) const;
  [[nodiscard]] std::optional<planned_probe> next_by_host() const;
  void fill_by_host();

  const scan_plan& plan_;
  std::vector<std::uint64_t> skipped_;
  sequence tcp_;
  sequence udp_;  // without places if the UDP ports are asked host by host
  udp_order udp_order_;
  std::uint64_t host_ = 0;                // the next one
  std::uint64_t target_ = 0;              // whose ports these are, ...
  std::vector<std::uint64_t> target_ports_;  // ... the next one last
};

}  // namespace netlab::scan
