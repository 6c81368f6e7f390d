// SPDX-License-Identifier: MIT
// Some ports of one host, scanned within a call: for a program that wants the findings and no report.
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
  std::vector<std::uint16_t> tcp_ports;  ///< any order, none twice
  std::vector<std::uint16_t> udp_ports;
  duration timeout = std::chrono::seconds(1);  ///< longest wait for one answer
  bool listen = true;                          ///< to what an open TCP port says by itself
  std::string message;                         ///< for open TCP ports, and UDP ports without a request of their own
};

/// Whether the scan shall end, given what is known so far, in the order in which it became known.
using stop_condition = std::function<bool(std::span<const finding>)>;

/// Asks them all at once and returns when each is known: TCP before UDP, ascending. It blocks, so it wants a thread of
/// its own where others must go on. `should_stop`, asked in that thread some times a second, ends it early: a port that
/// was asked and is not known by then is `unknown`, one that was not asked is left out. A SIGINT or SIGTERM that
/// reaches it ends it in the same way, and is then raised again for the rest of the program. Fails with the system's
/// code where there are no descriptors for it.
[[nodiscard]] result<std::vector<finding>> scan_host(const host_scan& what, const stop_condition& should_stop = {});

}  // namespace netlab::scan
