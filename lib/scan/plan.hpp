// SPDX-License-Identifier: MIT
// The parameters of a scan, without its targets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "scan/checkpoint.hpp"
#include "scan/finding.hpp"
#include "scan/shard.hpp"
#include "scan/talk.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

struct scan_plan {
  std::vector<std::uint16_t> tcp_ports;  ///< in any order, without duplicates; empty: no TCP scan
  std::vector<std::uint16_t> udp_ports;
  std::uint64_t seed = 0;
  shard part;                   ///< which of the probes to send: the part of all ports of all targets
  bool syn = false;             ///< TCP without connections; needs CAP_NET_RAW
  bool stateless_udp = false;   ///< UDP without the kernel's UDP; needs CAP_NET_RAW
  bool banner = false;          ///< with `syn`: connect to the open ports afterwards; not with is_resumable
  double bandwidth = 0;         ///< of stateless scans: bits per second on the wire; 0: no limit
  bool in_order = false;        ///< keep the exact order of the seed, which takes a single thread
  std::size_t parallel = 1000;  ///< maximum number of TCP connections, including conversations
  double rate = 0;              ///< packets per second of both transports together; 0: adapts to the path
  duration timeout = std::chrono::seconds(1);  ///< from a port's last probe until it counts as silent
  std::optional<unsigned> retries;  ///< none: one, or more if packets get lost; 0: each port is asked once
  std::vector<address> sources;     ///< local addresses, used in turn; empty: the system chooses
  talk_options talk;                ///< its message is also for UDP ports without a request in payloads.hpp
  bool strict_range = false;        ///< never asks other UDP ports, not even to find a closed one
  std::vector<address> skipped;     ///< targets that are never asked: they count as done, without a finding
  bool is_resumable = false;        ///< make checkpoints, which takes a single thread
  std::optional<scan_checkpoint> from;  ///< continue from there
};

/// Whether the ports of this transport are asked by packets of our own, without the kernel's sockets.
[[nodiscard]] inline bool is_stateless(const scan_plan& plan, transport protocol) noexcept {
  return protocol == transport::tcp ? plan.syn && !plan.tcp_ports.empty()
                                    : plan.stateless_udp && !plan.udp_ports.empty();
}

/// A rate is for both transports together: each gets this share of it.
[[nodiscard]] inline double share_of_rate(const scan_plan& plan) noexcept {
  return plan.tcp_ports.empty() || plan.udp_ports.empty() ? 1 : 0.5;
}

/// The places of the targets that are never asked, ascending.
[[nodiscard]] inline std::vector<std::uint64_t> skipped_places(const scan_plan& plan, const target_set& targets) {
  std::vector<std::uint64_t> places;
  for (const address& each : plan.skipped)
    if (const auto place = targets.place_of(each)) places.push_back(*place);
  std::ranges::sort(places);
  return places;
}

}  // namespace netlab::scan
