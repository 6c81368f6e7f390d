// SPDX-License-Identifier: MIT
// What the network says of the datagrams of a socket (ICMP, ICMPv6).
#pragma once

#include "net/asio.hpp"

namespace netlab::net {

/// Asks for all that ICMP says of the destination of a connected socket. Otherwise Linux tells only what it holds for
/// final, such as a closed port, and not that a host or network is unreachable (ip(7), IP_RECVERR). What comes is the
/// error of the socket's next call, and a copy in a queue that take_icmp_error() has to empty: it takes the room of
/// datagrams.
void want_icmp_errors(udp::socket& socket);

/// Empties that queue, and clears the error that its next call would have. connection_refused: nobody is at the port;
/// network_unreachable, host_unreachable (also for what is forbidden on the way), message_size. Of several it is the
/// refusal, else the last. No error: the network has said nothing.
[[nodiscard]] std::error_code take_icmp_error(udp::socket& socket);

/// Sends one datagram. What ICMP had said of earlier ones does not keep it back, but goes to `told` if it says
/// anything. Fails with this machine's own error.
[[nodiscard]] std::error_code send_past_icmp(udp::socket& socket, asio::const_buffer datagram, std::error_code& told);

}  // namespace netlab::net
