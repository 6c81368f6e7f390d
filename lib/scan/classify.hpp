// SPDX-License-Identifier: MIT
// Translates an errno or an ICMP message into the state of a port.
#pragma once

#include <cstdint>
#include <optional>

#include "scan/finding.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

/// An ICMP message about one of our packets, from the socket's error queue.
struct icmp_error {
  bool is_v6 = false;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  int system_error = 0;           ///< the errno that the kernel derives from it
  std::optional<address> sender;  ///< none: unknown
};

struct port_verdict {
  port_state state = port_state::unknown;
  reason why = reason::local_error;
  int system_error = 0;
  bool is_local = false;          ///< a failure of this machine: nothing was sent, so the port's state is unknown
  std::optional<address> sender;  ///< of the ICMP message that led to this verdict
};

/// The reason given by an ICMP message; none if the message does not tell whether a port can be reached (redirect,
/// source quench).
[[nodiscard]] std::optional<reason> reason_of(const icmp_error& message) noexcept;

/// Classifies the errno of connect(); `message`: the ICMP message that caused it. Without one, an error other than a
/// refusal or a timeout is the kernel's own, and the port is unknown. Only a refusal means closed: a TCP port
/// unreachable comes from a firewall, and a connection that was reset had been established, so its port is open.
[[nodiscard]] port_verdict classify_tcp(int system_error, const std::optional<icmp_error>& message) noexcept;

/// Classifies this machine's own errno (no route, the link is down, a resource is missing): the port is unknown.
[[nodiscard]] port_verdict classify_local(int system_error) noexcept;

/// Classifies an ICMP message about a datagram; or, without one, the errno of sendto(): then the port is unknown.
[[nodiscard]] port_verdict classify_udp(int system_error, const std::optional<icmp_error>& message) noexcept;

}  // namespace netlab::scan
