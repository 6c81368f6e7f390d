// SPDX-License-Identifier: MIT
// A captured packet: its header fields, and a one-line description.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "trace/address.hpp"

namespace netlab::trace {

/// Time since the epoch: the kernel's packet timestamps and the calls use the same clock.
using wall_time = std::chrono::nanoseconds;

enum class protocol : std::uint8_t { tcp, udp, icmp };
[[nodiscard]] std::string_view name_of(protocol which) noexcept;

namespace tcp_flag {  // RFC 9293 §3.1
inline constexpr std::uint8_t fin = 0x01;
inline constexpr std::uint8_t syn = 0x02;
inline constexpr std::uint8_t rst = 0x04;
inline constexpr std::uint8_t psh = 0x08;
inline constexpr std::uint8_t ack = 0x10;
}  // namespace tcp_flag

/// An ICMP error quotes the start of the packet that caused it.
struct icmp_error {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  protocol about = protocol::udp;
  address source;       ///< of the quoted packet
  address destination;  ///< of the quoted packet
};

struct packet {
  wall_time time{};
  std::uint32_t interface = 0;  ///< interface index
  bool is_outgoing = false;     ///< leaves this machine; on the loopback interface each packet counts as outgoing
  trace::protocol protocol = trace::protocol::tcp;
  address source;
  address destination;

  std::uint8_t flags = 0;     ///< TCP
  std::uint32_t sequence = 0;  ///< TCP
  std::uint32_t acknowledged = 0;
  std::uint16_t window = 0;
  std::uint32_t payload = 0;    ///< octets after the TCP or UDP header, according to the length fields
  bool is_fragment = false;     ///< a later IP fragment: without ports
  std::optional<icmp_error> icmp;

  std::uint32_t length = 0;  ///< of the whole IP packet, on the wire
  bytes octets;              ///< as captured from the IP header on, for reports that need them; may be truncated

  [[nodiscard]] bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
};

/// Parses an IPv4 or IPv6 packet. None for protocols other than TCP, UDP and ICMP errors, and if the headers are
/// truncated. `length` is the packet's length on the wire; `octets` may have fewer. The result does not contain them.
[[nodiscard]] std::optional<packet> parse_packet(bytes_view octets, std::size_t length);

/// `SYN`, `SYN+ACK`, `20 octets`, `FIN+ACK`, `UDP 12 octets`, `ICMP port unreachable`.
[[nodiscard]] std::string describe(const packet& of);

}  // namespace netlab::trace
