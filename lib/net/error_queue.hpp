// SPDX-License-Identifier: MIT
// A socket's error queue (ip(7), IP_RECVERR): ICMP messages about its packets, and local errors.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>

namespace netlab::net {

/// One message of the error queue.
struct queued_error {
  enum class origin : std::uint8_t {
    local,  ///< from this machine's kernel, without a packet; for example, a datagram exceeds the path's MTU
    icmp,
    icmpv6,
    other,  ///< not an error: a timestamp, for example
  };
  origin from = origin::other;
  std::uint8_t type = 0;  ///< ICMP or ICMPv6 type
  std::uint8_t code = 0;
  int system_error = 0;       ///< the errno that the kernel maps it to
  sockaddr_storage to{};      ///< destination of the packet; AF_UNSPEC: unknown
  sockaddr_storage sender{};  ///< sender of the ICMP message, with port 0; AF_UNSPEC: unknown

  [[nodiscard]] bool is_icmp() const noexcept { return from == origin::icmp || from == origin::icmpv6; }
};

/// Enables the error queue. Without it, a socket reports only errors that Linux considers final, if any.
void want_error_queue(int fd, bool is_v6) noexcept;

/// Removes and returns the oldest message, if there is one. Reading a message of a datagram socket also clears the
/// pending error of the socket. A caller's loop must be limited: messages may arrive as fast as they are read.
[[nodiscard]] std::optional<queued_error> take_queued_error(int fd) noexcept;

}  // namespace netlab::net
