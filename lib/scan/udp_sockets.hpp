// SPDX-License-Identifier: MIT
// The sockets that a UDP scan asks from.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "net/fd.hpp"
#include "scan/run.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

struct udp_channel {
  net::unique_fd fd;
  bool is_v6 = false;
  std::size_t source = 0;   ///< number among the local addresses of its family
  bool any_port = false;    ///< only for services that answer from another port than the one asked (TFTP)
  std::uint16_t port = 0;   ///< its own; 0: chosen with the first datagram, not known
};

struct udp_sockets_options {
  std::span<const address> sources;         ///< local addresses to ask from; none of a family: the system's choice
  std::span<const std::uint16_t> ports;     ///< that are asked
  bool with_any_port = false;
  bool scans_itself = false;  ///< a target is this machine: the sockets' own ports are then others than those asked, as
                              ///< far as there are any
};

/// Opens a socket for each family and each local address; none for a family that the machine lacks. Each has an error
/// queue, and news of it come under `engine_number`, with its place in the result as the key. Fails with the system's
/// code where a socket cannot be had or bound.
[[nodiscard]] result<std::vector<udp_channel>> open_udp_sockets(const udp_sockets_options& options, poller& on,
                                                                unsigned engine_number);

}  // namespace netlab::scan
