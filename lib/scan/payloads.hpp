// SPDX-License-Identifier: MIT
// The first words of a UDP service's own protocol: a server answers these, and hardly anything else.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace netlab::scan {

/// A request that a server on this port answers; empty where the scan's own message does (echo and the like) or
/// where none is known. Some ports have more than one: attempt 0, 1, … gives them in turn. Every request only asks:
/// none changes anything at the server, presents a password (SNMP's second one, `public`, is not secret), or is one
/// whose answer is known to be large. Valid for ever.
///
/// TFTP answers from another port than the one asked (RFC 1350 §4): only an unconnected socket hears it.
[[nodiscard]] bytes_view payload_for(std::uint16_t port, unsigned attempt = 0) noexcept;

/// The ports that have one, ascending.
[[nodiscard]] std::vector<std::uint16_t> payload_ports();

}  // namespace netlab::scan
