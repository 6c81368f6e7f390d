// SPDX-License-Identifier: MIT
// What a TLS connection says of itself.
#pragma once

#include "connect/tls_report.hpp"
#include "net/tls.hpp"

namespace netlab::connect {

/// After the handshake. `certificate_wanted`: the server has asked for one.
[[nodiscard]] tls_report make_report(const net::tls_stream& stream, bool certificate_wanted);

}  // namespace netlab::connect
