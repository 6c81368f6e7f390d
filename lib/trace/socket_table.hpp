// SPDX-License-Identifier: MIT
// The tables of sockets in /proc/net (proc_pid_net(5)): tcp, tcp6, udp, udp6.
#pragma once

#include <optional>
#include <string_view>

#include "trace/calls.hpp"

namespace netlab::trace {

/// A row of one of them. Nothing where it is the heading, or not such a row. Whether the socket is non-blocking is not
/// in it.
[[nodiscard]] std::optional<socket_facts> parse_socket_row(std::string_view row, protocol which, bool is_v6);

}  // namespace netlab::trace
