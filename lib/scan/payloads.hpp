// SPDX-License-Identifier: MIT
// Requests in the protocols of UDP services: most servers answer nothing else.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace netlab::scan {

/// A request that a server on this port answers; empty if the scan's own message is good enough (echo and similar) or
/// if none is known. Some ports have several: attempt 0, 1, … selects them in turn. No request changes anything at
/// the server, sends a password (the SNMP community `public` is not secret), or is known to cause a large answer. The
/// octets have static lifetime.
///
/// TFTP answers from another port than the one asked (RFC 1350 §4): only an unconnected socket receives that.
[[nodiscard]] bytes_view payload_for(std::uint16_t port, unsigned attempt = 0) noexcept;

/// The ports with a request, ascending.
[[nodiscard]] std::vector<std::uint16_t> payload_ports();

}  // namespace netlab::scan
