// SPDX-License-Identifier: MIT
// Captures the packets of this network namespace through a ring shared with the kernel (packet(7)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "net/packet_ring.hpp"
#include "trace/packets.hpp"

namespace netlab::trace {

/// Opens a packet socket for capture; needs CAP_NET_RAW in the caller's network namespace.
[[nodiscard]] result<net::unique_fd> open_packet_socket();

class capture {
 public:
  /// Headers only, or whole packets as for a capture file.
  enum class depth : std::uint8_t { headers, whole };

  /// Starts the capture: TCP, UDP and ICMP over IPv4 and IPv6; packets on the loopback interface are captured once.
  [[nodiscard]] static result<capture> start(net::unique_fd socket, depth captured);
  /// Passes on all packets in the ring. The kernel releases a block when it is full, or `longest_delay` after its
  /// first packet: all older packets have been passed on.
  void drain(const std::function<void(packet)>& take);
  static constexpr auto longest_delay = std::chrono::milliseconds(10);

  /// poll() reports that it is readable when drain() has something to pass on.
  [[nodiscard]] int descriptor() const noexcept { return ring_.descriptor(); }

  /// Packets dropped because the ring was full, since the start.
  [[nodiscard]] std::uint64_t dropped() noexcept;

 private:
  capture(net::packet_ring ring, depth captured) : ring_(std::move(ring)), depth_(captured) {}

  net::packet_ring ring_;
  depth depth_;
  std::uint64_t dropped_ = 0;
};

/// `lo`, or `if7` if the interface does not exist any more.
[[nodiscard]] std::string name_of_interface(std::uint32_t index);

}  // namespace netlab::trace
