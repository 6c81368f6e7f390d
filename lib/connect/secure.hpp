// SPDX-License-Identifier: MIT
// What a TLS connection says of itself.
#pragma once

#include <optional>

#include "connect/tls_report.hpp"
#include "net/tls.hpp"

namespace netlab::connect {

/// After the handshake, or after one that the peer's certificate has ended. `certificate_wanted`: the server has asked
/// for one, if that is known.
[[nodiscard]] tls_report make_report(const net::tls_stream& stream, std::optional<bool> certificate_wanted);

}  // namespace netlab::connect
