// SPDX-License-Identifier: MIT
// ICMP and ICMPv6 errors about the datagrams of a socket.
#pragma once

#include <system_error>

#include "net/asio.hpp"

namespace netlab::net {

/// Enables all ICMP errors about the destination of a connected socket. By default, Linux reports only errors that it
/// considers final, such as a closed port, and not an unreachable host or network (ip(7), IP_RECVERR). Each error
/// becomes the error of the socket's next call, and a copy goes to a queue that take_icmp_error() has to empty, because
/// it uses the space of datagrams.
void want_icmp_errors(udp::socket& socket);

/// Empties that queue and clears the socket's pending error. Returns connection_refused (nothing listens at the port),
/// network_unreachable, host_unreachable (also if a router or firewall prohibits it) or message_size. If there are
/// several errors, returns the refusal if there is one, else the last. No error: no ICMP message arrived.
[[nodiscard]] std::error_code take_icmp_error(udp::socket& socket);

/// Sends one datagram even if ICMP errors about earlier ones are pending; such an error is stored in `pending`. Fails
/// with local errors only.
[[nodiscard]] std::error_code send_past_icmp(udp::socket& socket, asio::const_buffer datagram,
                                             std::error_code& pending);

}  // namespace netlab::net
