// SPDX-License-Identifier: MIT
// UDP segmentation offload (udp(7)): many datagrams of one size to or from one peer pass through the kernel in one
// piece.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

#include "base/bytes.hpp"

namespace netlab::calc {

/// The most datagrams in one piece: UDP_MAX_SEGMENTS of Linux before 6.9.
inline constexpr std::size_t most_segments = 64;

/// Room in msg_control for what these functions read and write.
inline constexpr std::size_t segmentation_control_size = CMSG_SPACE(sizeof(int));

/// Lets a socket receive pieces (UDP_GRO). Linux before 5.0 cannot; then each datagram is received on its own.
void accept_segments(int socket) noexcept;

/// The size of each datagram of a received piece, the last of which may be shorter. 0: it is a single datagram.
[[nodiscard]] std::size_t segment_size(const msghdr& received) noexcept;

/// Makes the message a piece (UDP_SEGMENT): appends to its control data, which must be aligned as a cmsghdr. Sending it
/// fails with EIO or EINVAL if the path has no segmentation.
void set_segment_size(msghdr& message, std::size_t size) noexcept;

/// The inverse: takes what set_segment_size() appended away again.
void remove_segment_size(msghdr& message) noexcept;

/// Calls `act` with each datagram of a received message, whose octets these are, in order; a piece has several, the
/// last of which may be shorter. An empty datagram is one, too.
template <class Act>
void for_each_datagram(const msghdr& received, bytes_view octets, Act act) {
  const std::size_t size = segment_size(received);
  do {
    const bytes_view datagram = octets.first(size == 0 ? octets.size() : std::min(size, octets.size()));
    octets = octets.subspan(datagram.size());
    act(datagram);
  } while (!octets.empty());
}

}  // namespace netlab::calc
