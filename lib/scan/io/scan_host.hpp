// SPDX-License-Identifier: MIT
// Scans some ports of one host in one call: for programs that need the findings but no report.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "scan/finding.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

struct host_scan {
  address host;
  std::vector<std::uint16_t> tcp_ports;  ///< in any order, without duplicates
  std::vector<std::uint16_t> udp_ports;
  duration timeout = std::chrono::seconds(1);  ///< longest wait for an answer
  bool listen = true;                          ///< read banners of open TCP ports
  std::string message;                         ///< for open TCP ports, and UDP ports without a request of their own
};

/// Whether to end the scan; gets the findings so far, in the order in which they were made.
using stop_condition = std::function<bool(std::span<const finding>)>;

/// Asks all ports concurrently and returns when all are known: TCP before UDP, ascending. It blocks; run it in a
/// thread of its own if the program must go on meanwhile. `should_stop`, called in that thread a few times a second,
/// ends the scan early: ports that were asked but are not known are `unknown`, ports not asked are left out. SIGINT and
/// SIGTERM also end it, and are raised again for the rest of the program. Fails with the system's error if there are no
/// descriptors.
[[nodiscard]] result<std::vector<finding>> scan_host(const host_scan& request, const stop_condition& should_stop = {});

}  // namespace netlab::scan
