// SPDX-License-Identifier: MIT
// The ports that are open most often, for a scan of only some ports.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scan/finding.hpp"

namespace netlab::scan {

/// The number of hosts on the Internet that had a port open.
struct surveyed_port {
  std::uint16_t port;
  std::uint32_t hosts;
};

/// The TCP ports of Rapid7's National Exposure Index 2017, the most frequently open first. The report (Rapid7 Labs,
/// "National Exposure Index 2017", 14 June 2017, https://www.rapid7.com/info/national-exposure-index/) counts the
/// IPv4 hosts that completed a handshake on each of 30 chosen ports; the counts are the column "Observed Count" of
/// the data published with it (github.com/rapid7/data, national-exposure/2017/portscan-names-and-counts-2017.csv).
/// Nothing else is taken from that data.
[[nodiscard]] std::span<const surveyed_port> surveyed_tcp_ports() noexcept;

/// `how_many` different ports (from 1 to 65535): first those of the survey (TCP) or with a request in payloads.hpp
/// (UDP: other services rarely answer, even if open), then those in `registered`, then the rest; all ascending except
/// the survey's.
[[nodiscard]] std::vector<std::uint16_t> top_ports(transport protocol, std::size_t how_many,
                                                   std::span<const std::uint16_t> registered);

}  // namespace netlab::scan
