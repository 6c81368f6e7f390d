// SPDX-License-Identifier: MIT
// The sockets of a UDP scan.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "net/fd.hpp"
#include "scan/io/engine_loop.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

struct udp_channel {
  net::unique_fd fd;
  bool is_v6 = false;
  std::size_t source = 0;   ///< index among the local addresses of its family
  bool any_port = false;    ///< only for services that answer from another port than the one asked (TFTP)
  std::uint16_t port = 0;   ///< its local port; 0: not known, chosen with the first datagram
};

struct udp_sockets_options {
  std::span<const address> sources;         ///< local addresses; if a family has none, the system chooses
  std::span<const std::uint16_t> ports;     ///< to be scanned
  bool with_any_port = false;
  bool scans_itself = false;  ///< a target is this machine: bind to ports that are not scanned, if possible
};

/// Opens a socket for each family and each local address; none for a family that the machine lacks. Each has an error
/// queue and is registered for `engine_number`, with its index in the result as the key. Fails with the system's
/// error if a socket cannot be opened or bound.
[[nodiscard]] result<std::vector<udp_channel>> open_udp_sockets(const udp_sockets_options& options, poller& on,
                                                                unsigned engine_number);

}  // namespace netlab::scan
