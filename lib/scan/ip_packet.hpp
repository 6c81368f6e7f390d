// SPDX-License-Identifier: MIT
// Writes and reads IP headers; reads ICMP errors about packets. RFC 791, RFC 8200, RFC 792, RFC 4443, RFC 1071.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "scan/classify.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

/// Protocols in an IP header (IANA).
inline constexpr std::uint8_t protocol_icmp = 1;
inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_udp = 17;
inline constexpr std::uint8_t protocol_icmpv6 = 58;

/// Without options, and without extension headers.
inline constexpr std::size_t ipv4_header_size = 20;
inline constexpr std::size_t ipv6_header_size = 40;

/// Adds the 16-bit words of `octets` to `sum`, for the Internet checksum (RFC 1071). It does not overflow for one
/// packet.
[[nodiscard]] std::uint32_t internet_sum(bytes_view octets, std::uint32_t sum = 0) noexcept;
/// The sum of its two 16-bit halves.
[[nodiscard]] constexpr std::uint32_t sum_of_halves(std::uint32_t word) noexcept {
  return (word >> 16) + (word & 0xffff);
}
/// The checksum from the sum.
[[nodiscard]] constexpr std::uint16_t checksum_of(std::uint32_t sum) noexcept {
  return static_cast<std::uint16_t>(~sum_of_halves(sum_of_halves(sum)));
}
/// The checksum of `octets`; `sum`: of what precedes them.
[[nodiscard]] std::uint16_t internet_checksum(bytes_view octets, std::uint32_t sum = 0) noexcept;

/// Octets that an IP packet of this size takes on Ethernet: with preamble, header, padding, checksum and gap (IEEE
/// 802.3).
[[nodiscard]] constexpr std::size_t on_ethernet(std::size_t size) noexcept {
  constexpr std::size_t least_payload = 46;
  constexpr std::size_t around = 7 + 1 + 14 + 4 + 12;
  return (size < least_payload ? least_payload : size) + around;
}

/// The headers of packets from one address: the constant part is prepared once.
class ip_header_writer {
 public:
  static constexpr std::size_t max_size = ipv6_header_size;

  ip_header_writer(const address& from, std::uint8_t protocol) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Writes the header of a packet with this many octets after it; `to` must be of the same family. `identification`:
  /// of an IPv4 packet that may be fragmented, different for each packet to this host; 0: it may not. Returns the sum
  /// of the pseudo-header, with which a checksum of TCP or UDP begins (RFC 9293 §3.1, RFC 8200 §8.1).
  std::uint32_t write(std::span<std::byte> into, const address& to, std::size_t payload_size,
                      std::uint16_t identification = 0) const noexcept;

 private:
  std::array<std::byte, max_size> constant_{};
  std::size_t size_;
  std::uint32_t header_sum_ = 0;
  std::uint32_t pseudo_sum_ = 0;
};

struct ip_packet {
  bool is_v6 = false;
  std::uint8_t protocol = 0;
  address from;
  address to;
  bytes_view payload;
};

/// Accepts a truncated packet whose headers are whole. Skips IPv6 options and routing headers. None for later
/// fragments. Does not verify checksums.
[[nodiscard]] std::optional<ip_packet> parse_ip_packet(bytes_view octets) noexcept;

/// An ICMP error about a packet of ours.
struct packet_error {
  icmp_error icmp;  ///< with the sender; system_error is 0
  ip_packet quoted;  ///< at least the first eight octets of its payload
};

/// None if reason_of() finds no reason in it, or if it quotes less than eight octets of the payload.
[[nodiscard]] std::optional<packet_error> parse_icmp_error(const ip_packet& packet) noexcept;

}  // namespace netlab::scan
