// SPDX-License-Identifier: MIT
// The packets of this network namespace, from a ring that the kernel fills (packet(7)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/result.hpp"
#include "net/fd.hpp"
#include "trace/packets.hpp"

namespace netlab::trace {

/// A raw socket for capture(); needs CAP_NET_RAW in the network namespace of the caller.
[[nodiscard]] result<net::unique_fd> open_packet_socket();

class capture {
 public:
  /// Headers alone, or whole packets as a capture file wants them.
  enum class depth : std::uint8_t { headers, whole };

  /// Starts to fill the ring. TCP, UDP and ICMP over IPv4 and IPv6; what passes the loopback interface is taken once.
  [[nodiscard]] static result<capture> start(net::unique_fd socket, depth how);
  capture(capture&& other) noexcept;
  capture& operator=(capture&& other) noexcept;
  ~capture();

  /// Hands over all packets that are there. The kernel gives a block when it is full, and at the latest
  /// `longest_delay` after its first packet: what is older than that has been handed over.
  void drain(const std::function<void(packet)>& take);
  static constexpr auto longest_delay = std::chrono::milliseconds(10);

  /// Packets for which the ring had no room, since the start.
  [[nodiscard]] std::uint64_t dropped();

 private:
  capture() = default;

  net::unique_fd socket_;
  std::byte* ring_ = nullptr;
  std::size_t ring_size_ = 0;
  std::size_t block_size_ = 0;
  std::size_t block_ = 0;  // the next to be read
  std::uint64_t dropped_ = 0;
};

/// `lo`, or `if7` where the index has no name any more.
[[nodiscard]] std::string name_of_interface(std::uint32_t index);

}  // namespace netlab::trace
