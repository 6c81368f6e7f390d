// SPDX-License-Identifier: MIT
// A socket's error queue (ip(7), IP_RECVERR): the ICMP messages about its packets, and this machine's own errors.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>

namespace netlab::net {

/// One message of the queue.
struct queued_error {
  enum class origin : std::uint8_t {
    local,  ///< this machine's kernel, without any packet; for example a datagram above the path's MTU
    icmp,
    icmpv6,
    other,  ///< a timestamp and the like: no error
  };
  origin from = origin::other;
  std::uint8_t type = 0;  ///< of ICMP or ICMPv6
  std::uint8_t code = 0;
  int system_error = 0;       ///< the errno that the kernel makes of it
  sockaddr_storage to{};      ///< where the packet was to go; AF_UNSPEC: not told
  sockaddr_storage sender{};  ///< who sent the ICMP message, its port 0; AF_UNSPEC: not told

  [[nodiscard]] bool is_icmp() const noexcept { return from == origin::icmp || from == origin::icmpv6; }
};

/// Asks for such messages. A socket without it fails only with what Linux holds for final, if at all.
void want_error_queue(int fd, bool is_v6) noexcept;

/// The oldest message, taken off the queue; none if it is empty. Reading one that concerns a datagram socket also
/// clears the error that the socket's next call would fail with. A caller that loops bounds its loop: messages may come
/// as fast as they are read.
[[nodiscard]] std::optional<queued_error> take_queued_error(int fd) noexcept;

}  // namespace netlab::net
