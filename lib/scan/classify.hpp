// SPDX-License-Identifier: MIT
// What an errno or an ICMP message says of a port.
#pragma once

#include <cstdint>
#include <optional>

#include "scan/finding.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

/// An ICMP message about a packet of ours, as the socket's error queue has it.
struct icmp_error {
  bool is_v6 = false;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  int system_error = 0;           ///< what the kernel makes of it
  std::optional<address> sender;  ///< none: not told
};

struct port_verdict {
  port_state state = port_state::unknown;
  reason why = reason::local_error;
  int system_error = 0;
  bool is_local = false;          ///< this machine's own failure: nothing went out, so it says nothing of the port
  std::optional<address> sender;  ///< of the ICMP message that it follows from
};

/// Why an ICMP message came; nothing if it says nothing of whether a port can be reached (a redirect, a quench).
[[nodiscard]] std::optional<reason> reason_of(const icmp_error& message) noexcept;

/// What connect() ended with; `message` if ICMP was the cause, else the kernel itself said so, and the port is unknown.
/// Only a refusal means closed: a port unreachable for TCP comes from a firewall, and a connection that was reset had
/// been made, so its port is open.
[[nodiscard]] port_verdict classify_tcp(int system_error, const std::optional<icmp_error>& message) noexcept;

/// An ICMP message about a datagram; or what sendto() said, without one, and then the port is unknown.
[[nodiscard]] port_verdict classify_udp(int system_error, const std::optional<icmp_error>& message) noexcept;

}  // namespace netlab::scan
