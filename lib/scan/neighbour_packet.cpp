// SPDX-License-Identifier: MIT
#include "scan/neighbour_packet.hpp"

#include <cstring>

#include "scan/packet_octets.hpp"

namespace netlab::scan {
namespace {

constexpr std::uint8_t solicitation = 135;
constexpr std::uint8_t advertisement = 136;
constexpr std::uint8_t option_source_mac = 1;
constexpr std::uint8_t option_target_mac = 2;
constexpr std::uint8_t not_forwarded = 255;  // hop limit: every router lowers it (RFC 4861 §7.1.1)

}  // namespace

std::array<std::byte, arp_size> make_arp_request(const mac_address& own, const address& from,
                                                 const address& wanted) noexcept {
  std::array<std::byte, arp_size> made{};
  put_16(made, 0, 1);       // Ethernet
  put_16(made, 2, 0x0800);  // IPv4
  put_8(made, 4, 6);
  put_8(made, 5, 4);
  put_16(made, 6, 1);  // request
  std::memcpy(made.data() + 8, own.data(), own.size());
  put_address(made, 14, from);
  put_address(made, 24, wanted);
  return made;
}

mac_address solicited_node_mac(const address& wanted) noexcept {
  // RFC 2464 §7: 33:33 and the last four octets of ff02::1:ffXX:XXXX.
  return {0x33,
          0x33,
          0xff,
          static_cast<std::uint8_t>(wanted.low >> 16),
          static_cast<std::uint8_t>(wanted.low >> 8),
          static_cast<std::uint8_t>(wanted.low)};
}

std::array<std::byte, solicitation_size> make_solicitation(const mac_address& own, const address& from,
                                                           const address& wanted) noexcept {
  std::array<std::byte, solicitation_size> made{};
  constexpr std::size_t length = solicitation_size - ipv6_header_size;
  put_8(made, 0, 0x60);
  put_16(made, 4, length);
  put_8(made, 6, protocol_icmpv6);
  put_8(made, 7, not_forwarded);
  put_address(made, 8, from);
  const address group{.is_v6 = true, .high = 0xff02'0000'0000'0000, .low = 0x1'ff00'0000 | (wanted.low & 0xff'ffff)};
  put_address(made, 24, group);
  put_8(made, ipv6_header_size, solicitation);
  put_address(made, ipv6_header_size + 8, wanted);
  put_8(made, ipv6_header_size + 24, option_source_mac);
  put_8(made, ipv6_header_size + 25, 1);
  std::memcpy(made.data() + ipv6_header_size + 26, own.data(), own.size());
  const bytes_view all(made);
  put_16(made, ipv6_header_size + 2, internet_checksum(all.subspan(8), length + protocol_icmpv6));
  return made;
}

std::optional<neighbour_answer> parse_arp(bytes_view octets) noexcept {
  if (octets.size() < arp_size || load_16(octets, 0) != 1 || load_16(octets, 2) != 0x0800 || load_8(octets, 4) != 6 ||
      load_8(octets, 5) != 4)
    return std::nullopt;
  neighbour_answer found{.who = load_v4(octets, 14)};
  std::memcpy(found.mac.data(), octets.data() + 8, found.mac.size());
  if (found.who.is_unspecified()) return std::nullopt;  // RFC 5227: a probe, its sender has no address yet
  return found;
}

std::optional<neighbour_answer> parse_advertisement(const ip_packet& packet, bytes_view octets,
                                                    const mac_address& sender) noexcept {
  constexpr std::size_t fixed = 24;
  if (!packet.is_v6 || packet.protocol != protocol_icmpv6 || packet.payload.size() < fixed ||
      load_8(packet.payload, 0) != advertisement || load_8(octets, 7) != not_forwarded)
    return std::nullopt;
  neighbour_answer found{.who = load_v6(packet.payload, 8), .mac = sender};
  for (bytes_view options = packet.payload.subspan(fixed); options.size() >= 8;) {
    const std::size_t size = std::size_t{load_8(options, 1)} * 8;
    if (size == 0 || size > options.size()) break;
    if (load_8(options, 0) == option_target_mac) std::memcpy(found.mac.data(), options.data() + 2, found.mac.size());
    options = options.subspan(size);
  }
  return found;
}

}  // namespace netlab::scan
