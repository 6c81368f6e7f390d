// SPDX-License-Identifier: MIT
// Parses and builds IPv4 and IPv6 packets with TCP, UDP or an ICMP error, as far as the simulated hosts need them. RFC
// 791, RFC 8200, RFC 9293, RFC 768, RFC 792, RFC 4443.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "scan/targets.hpp"

namespace netlab::test {

using packet = std::vector<std::uint8_t>;

namespace tcp_flag {
inline constexpr std::uint8_t fin = 1;
inline constexpr std::uint8_t syn = 2;
inline constexpr std::uint8_t rst = 4;
inline constexpr std::uint8_t psh = 8;
inline constexpr std::uint8_t ack = 16;
}  // namespace tcp_flag

struct endpoint {
  scan::address host;
  std::uint16_t port = 0;
};

/// A TCP segment or a UDP datagram.
struct segment {
  bool is_tcp = true;
  endpoint from;
  endpoint to;
  std::uint32_t sequence = 0;         ///< TCP only, like the next two
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0;
  std::string_view payload;
};

/// Returns nothing for fragments, IPv6 extension headers, other protocols and truncated packets. The payload is a view
/// of `octets`. Does not verify checksums.
[[nodiscard]] std::optional<segment> parse_packet(std::string_view octets);

[[nodiscard]] packet make_packet(const segment& what);

/// An ICMP or ICMPv6 error about a packet, sent by `from` to the packet's sender.
[[nodiscard]] packet make_icmp_error(const scan::address& from, std::uint8_t type, std::uint8_t code,
                                     std::string_view about);

}  // namespace netlab::test
