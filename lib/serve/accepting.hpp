// SPDX-License-Identifier: MIT
// Limits and helpers for accepting TCP connections, for servers with different event loops.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>

namespace netlab::serve {

/// Maximum number of peers that receive the message that the server is full; others are closed without a message.
inline constexpr std::size_t max_turned_away = 256;

/// The pause after accept() found no free descriptor. The peers stay in the queue, and retrying at once would only use
/// up CPU time.
inline constexpr auto accept_pause = std::chrono::milliseconds(100);

/// Peers accepted before the loop's other work gets its turn. With only one per turn, a busy loop would empty a long
/// queue slowly.
inline constexpr int accepts_a_turn = 32;

/// The number of peers in a listener's accept queue (tcp(7)).
[[nodiscard]] inline std::size_t accept_queue_length(int listener) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_unacked : 0;
}

}  // namespace netlab::serve
