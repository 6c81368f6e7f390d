// SPDX-License-Identifier: MIT
// A packet for packet_socket or xdp_sender to send.
#pragma once

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "scan/neighbour_packet.hpp"
#include "scan/probe_module.hpp"

namespace netlab::scan {

/// A packet to send. It begins with the network header; the link layer's is added when it is sent.
struct outgoing_packet {
  outgoing_packet() {}  // NOLINT: does not clear `octets`, as `= default` would

  enum class kind : std::uint8_t { ipv4, ipv6, arp };
  kind protocol = kind::ipv4;
  /// To this machine: it is sent through a raw socket, because the kernel rejects its own addresses on a link.
  bool is_local = false;
  std::uint32_t interface = 0;
  mac_address from{};  ///< the interface's own; zeros: its link has no addresses
  mac_address to{};    ///< ignored where the link has none
  address local_to;  ///< the target, if is_local
  std::array<std::byte, max_packet_size> octets;  // filled as far as `size`
  std::size_t size = 0;
};

/// The packet's type in a frame (the EtherType), in network byte order.
[[nodiscard]] inline std::uint16_t ether_type_of(outgoing_packet::kind protocol) noexcept {
  switch (protocol) {
    case outgoing_packet::kind::arp: return htons(ETHERTYPE_ARP);
    case outgoing_packet::kind::ipv6: return htons(ETHERTYPE_IPV6);
    case outgoing_packet::kind::ipv4: break;
  }
  return htons(ETHERTYPE_IP);
}

/// Lets the socket hold a burst of packets, if the kernel allows it.
inline void enlarge_send_buffer(int socket) noexcept {
  constexpr int size = 4 << 20;
  if (::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
}

}  // namespace netlab::scan
