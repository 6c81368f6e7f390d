// SPDX-License-Identifier: MIT
// The ports to look at first when there is no time for all of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scan/finding.hpp"

namespace netlab::scan {

/// How many hosts of the Internet had a port open.
struct surveyed_port {
  std::uint16_t port;
  std::uint32_t hosts;
};

/// The TCP ports of Rapid7's National Exposure Index 2017, most often open first. The report (Rapid7 Labs, "National
/// Exposure Index 2017", 14 June 2017, https://www.rapid7.com/info/national-exposure-index/) counts the IPv4 hosts
/// that completed a handshake on each of 30 chosen ports; the counts are the column "Observed Count" of the data
/// published with it (github.com/rapid7/data, national-exposure/2017/portscan-names-and-counts-2017.csv). Only those
/// counts are taken.
[[nodiscard]] std::span<const surveyed_port> surveyed_tcp_ports() noexcept;

/// `how_many` different ports (1 to 65535 of them): first those that the survey counted (TCP) or that payloads.hpp
/// has a request for (UDP: a port that is only sent a stranger's text stays silent, open or not), then those in
/// `registered`, then the rest; each ascending, except the survey's.
[[nodiscard]] std::vector<std::uint16_t> top_ports(transport protocol, std::size_t how_many,
                                                   std::span<const std::uint16_t> registered);

}  // namespace netlab::scan
