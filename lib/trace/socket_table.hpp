// SPDX-License-Identifier: MIT
// The tables of sockets in /proc/net (proc_pid_net(5)): tcp, tcp6, udp, udp6.
#pragma once

#include <optional>
#include <string_view>

#include "trace/calls.hpp"

namespace netlab::trace {

/// Parses a row of one of these tables; nothing for the heading or a malformed row. It does not contain whether the
/// socket is non-blocking.
[[nodiscard]] std::optional<socket_facts> parse_socket_row(std::string_view row, protocol which, bool is_v6);

}  // namespace netlab::trace
