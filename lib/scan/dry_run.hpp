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
  [[nodiscard]] bool is_skipped(std::uint64_t target) const;
  [[nodiscard]] std::optional<planned_probe> next_tcp();
  void fill_udp();

  const scan_plan& plan_;
  std::vector<std::uint64_t> skipped_;
  permutation tcp_order_;
  udp_order udp_order_;
  duration tcp_gap_{};
  duration udp_gap_{};
  std::uint64_t tcp_ = 0;        // probes so far
  std::uint64_t tcp_place_ = 0;  // of the next one, in the part
  std::uint64_t tcp_all_ = 0;    // places
  std::uint64_t udp_ = 0;
  std::uint64_t host_ = 0;                // the next one
  std::uint64_t target_ = 0;              // whose ports these are, ...
  std::vector<std::uint64_t> target_ports_;  // ... the next one last
};

}  // namespace netlab::scan
