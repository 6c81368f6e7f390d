// SPDX-License-Identifier: MIT
// Describes a TLS connection.
#pragma once

#include <optional>

#include "connect/tls_report.hpp"
#include "tls/stream.hpp"

namespace netlab::connect {

/// Call it after a handshake that has succeeded or that the peer's certificate has ended. `certificate_wanted`: the
/// server has requested a client certificate, if known.
[[nodiscard]] tls_report make_report(const tls::stream& stream, std::optional<bool> certificate_wanted);

}  // namespace netlab::connect
