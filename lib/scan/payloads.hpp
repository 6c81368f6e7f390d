// SPDX-License-Identifier: MIT
// Requests in the protocols of UDP services: most servers answer nothing else.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace netlab::scan {

/// A request that a server on this port answers; empty if the scan's own message is good enough (echo and similar) or
/// if none is known. Some ports have several: attempt 0, 1, … selects them in turn. No request changes anything at
/// the server, sends a password (the SNMP community `public` is not secret), or is known to cause a large answer. The
/// octets have static lifetime.
[[nodiscard]] bytes_view payload_for(std::uint16_t port, unsigned attempt = 0) noexcept;

/// TFTP answers from another port than the one asked (RFC 1350 §4).
inline constexpr std::uint16_t tftp_port = 69;

/// What is sent to a port: its request, or `message` if it has none.
[[nodiscard]] inline bytes_view request_for(std::uint16_t port, unsigned attempt, std::string_view message) noexcept {
  const bytes_view payload = payload_for(port, attempt);
  return payload.empty() ? as_bytes(message) : payload;
}
/// Whether the reply is what was sent, in one of the first two attempts.
[[nodiscard]] inline bool is_echo(std::string_view reply, std::uint16_t port, std::string_view message) noexcept {
  return reply == as_text(request_for(port, 0, message)) || reply == as_text(request_for(port, 1, message));
}

/// The ports with a request, ascending.
[[nodiscard]] std::vector<std::uint16_t> payload_ports();

}  // namespace netlab::scan
