// SPDX-License-Identifier: MIT
// Requests for link-layer addresses, and the answers: ARP (RFC 826) and neighbour discovery (RFC 4861). The system adds
// the link layer's header.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "scan/ip_packet.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

using mac_address = std::array<std::uint8_t, 6>;

/// An ARP request: the payload of a broadcast frame of type 0x0806.
inline constexpr std::size_t arp_size = 28;
[[nodiscard]] std::array<std::byte, arp_size> make_arp_request(const mac_address& own, const address& from,
                                                               const address& wanted) noexcept;

/// A neighbour solicitation: an IPv6 packet for the frame address solicited_node_mac(wanted).
inline constexpr std::size_t solicitation_size = ipv6_header_size + 32;
[[nodiscard]] std::array<std::byte, solicitation_size> make_solicitation(const mac_address& own, const address& from,
                                                                         const address& wanted) noexcept;
[[nodiscard]] mac_address solicited_node_mac(const address& wanted) noexcept;

/// The link-layer address of a host.
struct neighbour_answer {
  address who;
  mac_address mac{};
};

/// An ARP reply or request: both name their sender. None if it is not for IPv4 over Ethernet.
[[nodiscard]] std::optional<neighbour_answer> parse_arp(bytes_view octets) noexcept;
/// A neighbour advertisement. `octets`: the whole packet; `sender`: the frame's source, which counts if the packet has
/// no link-layer address.
[[nodiscard]] std::optional<neighbour_answer> parse_advertisement(const ip_packet& packet, bytes_view octets,
                                                                  const mac_address& sender) noexcept;

}  // namespace netlab::scan
