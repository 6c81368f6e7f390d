// SPDX-License-Identifier: MIT
// The packets of a half-open scan: SYNs, requests for link-layer addresses, and the answers to both. IP packets begin
// with the IP header; the system adds the link layer's. RFC 791, RFC 8200, RFC 9293, RFC 792, RFC 4443, RFC 826, RFC
// 4861.
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

using mac_address = std::array<std::uint8_t, 6>;

/// The Internet checksum (RFC 1071) of `octets`; `sum`: of what precedes them.
[[nodiscard]] std::uint16_t internet_checksum(bytes_view octets, std::uint32_t sum = 0) noexcept;

/// The SYNs from one address: the constant part is prepared once.
class syn_writer {
 public:
  static constexpr std::size_t max_size = 64;

  explicit syn_writer(const address& from) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Writes a SYN into the first size() octets. `to` must be of the same family.
  void write(std::span<std::byte, max_size> into, const address& to, std::uint16_t from_port, std::uint16_t to_port,
             std::uint32_t sequence) const noexcept;

  /// Octets that a packet of this size takes on Ethernet: with preamble, header, padding, checksum and gap (IEEE
  /// 802.3).
  [[nodiscard]] static constexpr std::size_t on_ethernet(std::size_t size) noexcept {
    constexpr std::size_t least_payload = 46;
    constexpr std::size_t around = 7 + 1 + 14 + 4 + 12;
    return (size < least_payload ? least_payload : size) + around;
  }

 private:
  std::array<std::byte, max_size> constant_{};
  std::size_t size_;
  bool is_v6_;
  std::uint32_t ip_sum_ = 0;   // of the constant parts, for the checksums
  std::uint32_t tcp_sum_ = 0;
};

/// An ARP request: the payload of a broadcast frame of type 0x0806.
inline constexpr std::size_t arp_size = 28;
[[nodiscard]] std::array<std::byte, arp_size> make_arp_request(const mac_address& own, const address& from,
                                                               const address& wanted) noexcept;

/// A neighbour solicitation: an IPv6 packet for the frame address solicited_node_mac(wanted).
inline constexpr std::size_t solicitation_size = 40 + 32;
[[nodiscard]] std::array<std::byte, solicitation_size> make_solicitation(const mac_address& own, const address& from,
                                                                         const address& wanted) noexcept;
[[nodiscard]] mac_address solicited_node_mac(const address& wanted) noexcept;

/// An answer to a SYN, or an ICMP error about it. `target` and `port`: where the SYN went.
struct syn_answer {
  enum class kind : std::uint8_t { syn_ack, reset, icmp };
  kind type = kind::syn_ack;
  address target;
  std::uint16_t port = 0;
  address own;
  std::uint16_t own_port = 0;
  std::uint32_t sequence = 0;  ///< of the SYN that it answers
  icmp_error icmp;             ///< with the sender; system_error is 0
};

/// None for packets of other kinds, fragments other than the first, and truncated packets; a segment without ACK
/// answers nothing. Checksums are not verified: the sequence number must match.
[[nodiscard]] std::optional<syn_answer> parse_syn_answer(bytes_view packet) noexcept;

/// The link-layer address of a host.
struct neighbour_answer {
  address who;
  mac_address mac{};
};

/// An ARP reply or request: both name their sender. None if it is not for IPv4 over Ethernet.
[[nodiscard]] std::optional<neighbour_answer> parse_arp(bytes_view octets) noexcept;
/// A neighbour advertisement (an IPv6 packet); `sender`: the frame's source, which counts if the packet has no
/// link-layer address.
[[nodiscard]] std::optional<neighbour_answer> parse_advertisement(bytes_view packet,
                                                                  const mac_address& sender) noexcept;

}  // namespace netlab::scan
