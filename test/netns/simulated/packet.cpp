// SPDX-License-Identifier: MIT
#include "simulated/packet.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace netlab::test {
namespace {

constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_icmp6 = 58;
constexpr std::size_t header_v4 = 20;
constexpr std::size_t header_v6 = 40;
constexpr std::size_t header_tcp = 20;
constexpr std::size_t header_udp = 8;
constexpr std::size_t header_icmp = 8;
constexpr std::size_t quoted_v4 = 548;   // RFC 1812 §4.3.2.3: at most 576 octets in total
constexpr std::size_t quoted_v6 = 1232;  // RFC 4443 §2.4 (c): at most the minimum MTU
constexpr std::uint8_t hops = 64;

unsigned octet(std::string_view of, std::size_t at) { return static_cast<unsigned char>(of[at]); }
std::uint16_t read16(std::string_view of, std::size_t at) {
  return static_cast<std::uint16_t>(octet(of, at) << 8 | octet(of, at + 1));
}
std::uint32_t read32(std::string_view of, std::size_t at) {
  return std::uint32_t{read16(of, at)} << 16 | read16(of, at + 2);
}

void put16(packet& to, std::uint32_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}
void put32(packet& to, std::uint32_t value) {
  put16(to, value >> 16);
  put16(to, value & 0xffff);
}
void put_address(packet& to, const scan::address& host) {
  const auto octets = host.octets();
  to.insert(to.end(), octets.begin(), octets.begin() + (host.is_v6 ? 16 : 4));
}
void put_text(packet& to, std::string_view text) { to.insert(to.end(), text.begin(), text.end()); }

scan::address read_address(std::string_view of, std::size_t at, bool is_v6) {
  if (!is_v6) return scan::address::v4(read32(of, at));
  std::array<std::uint8_t, 16> octets{};
  for (std::size_t each = 0; each < octets.size(); ++each)
    octets[each] = static_cast<std::uint8_t>(octet(of, at + each));
  return scan::address::v6(octets);
}

// RFC 1071.
std::uint32_t sum(const packet& octets, std::size_t from, std::uint32_t begin) {
  std::uint64_t total = begin;
  for (std::size_t at = from; at < octets.size(); ++at)
    total += (at - from) % 2 == 0 ? std::uint32_t{octets[at]} << 8 : octets[at];
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint32_t>(total);
}

void set16(packet& of, std::size_t at, std::uint32_t value) {
  of[at] = static_cast<std::uint8_t>(value >> 8);
  of[at + 1] = static_cast<std::uint8_t>(value);
}

/// The IP header of a packet with a payload of `length` octets.
packet begin_packet(const scan::address& from, const scan::address& to, std::uint8_t protocol, std::size_t length) {
  packet made;
  made.reserve(header_v6 + length);
  if (from.is_v6) {
    put32(made, 0x60000000);
    put16(made, static_cast<std::uint32_t>(length));
    made.push_back(protocol);
    made.push_back(hops);
    put_address(made, from);
    put_address(made, to);
    return made;
  }
  put16(made, 0x4500);
  put16(made, static_cast<std::uint32_t>(header_v4 + length));
  put32(made, 0x00004000);  // DF is set, so no identification is needed
  made.push_back(hops);
  made.push_back(protocol);
  put16(made, 0);
  put_address(made, from);
  put_address(made, to);
  set16(made, 10, ~sum(made, 0, 0));
  return made;
}

/// Stores the checksum of the octets after the IP header, `offset` octets after that header.
void finish_packet(packet& made, bool is_v6, std::uint8_t protocol, std::size_t offset) {
  const std::size_t header = is_v6 ? header_v6 : header_v4;
  std::uint32_t pseudo = 0;
  if (protocol != protocol_icmp) {
    const packet addresses(made.begin() + (is_v6 ? 8 : 12), made.begin() + static_cast<std::ptrdiff_t>(header));
    pseudo = sum(addresses, 0, static_cast<std::uint32_t>(made.size() - header) + protocol);
  }
  const std::uint32_t checksum = ~sum(made, header, pseudo) & 0xffff;
  set16(made, header + offset, checksum == 0 && protocol == protocol_udp ? 0xffff : checksum);
}

}  // namespace

std::optional<segment> parse_packet(std::string_view octets) {
  if (octets.empty()) return std::nullopt;
  const bool is_v6 = octet(octets, 0) >> 4 == 6;
  if (octets.size() < (is_v6 ? header_v6 : header_v4)) return std::nullopt;
  if (!is_v6 && (read16(octets, 6) & 0x3fff) != 0) return std::nullopt;  // a fragment
  const std::size_t header = is_v6 ? header_v6 : (octet(octets, 0) & 15) * std::size_t{4};
  const unsigned protocol = octet(octets, is_v6 ? 6 : 9);
  if (protocol != protocol_tcp && protocol != protocol_udp) return std::nullopt;
  segment found{.is_tcp = protocol == protocol_tcp};
  found.from.host = read_address(octets, is_v6 ? 8 : 12, is_v6);
  found.to.host = read_address(octets, is_v6 ? 24 : 16, is_v6);
  if (octets.size() < header + (found.is_tcp ? header_tcp : header_udp)) return std::nullopt;
  octets.remove_prefix(header);
  found.from.port = read16(octets, 0);
  found.to.port = read16(octets, 2);
  std::size_t begin = header_udp;
  if (found.is_tcp) {
    found.sequence = read32(octets, 4);
    found.acknowledgement = read32(octets, 8);
    found.flags = static_cast<std::uint8_t>(octet(octets, 13));
    begin = (octet(octets, 12) >> 4) * std::size_t{4};
    if (begin < header_tcp || begin > octets.size()) return std::nullopt;
  }
  found.payload = octets.substr(begin);
  return found;
}

packet make_packet(const segment& what) {
  const bool is_v6 = what.from.host.is_v6;
  const std::uint8_t protocol = what.is_tcp ? protocol_tcp : protocol_udp;
  const std::size_t length = (what.is_tcp ? header_tcp : header_udp) + what.payload.size();
  packet made = begin_packet(what.from.host, what.to.host, protocol, length);
  put16(made, what.from.port);
  put16(made, what.to.port);
  if (what.is_tcp) {
    constexpr std::uint32_t window = 65535;
    put32(made, what.sequence);
    put32(made, what.acknowledgement);
    put16(made, 0x5000U | what.flags);
    put16(made, window);
    put32(made, 0);
  } else {
    put16(made, static_cast<std::uint32_t>(length));
    put16(made, 0);
  }
  put_text(made, what.payload);
  finish_packet(made, is_v6, protocol, what.is_tcp ? 16 : 6);
  return made;
}

packet make_icmp_error(const scan::address& from, std::uint8_t type, std::uint8_t code, std::string_view about) {
  const std::uint8_t protocol = from.is_v6 ? protocol_icmp6 : protocol_icmp;
  about = about.substr(0, from.is_v6 ? quoted_v6 : quoted_v4);
  const scan::address to = read_address(about, from.is_v6 ? 8 : 12, from.is_v6);
  packet made = begin_packet(from, to, protocol, header_icmp + about.size());
  made.push_back(type);
  made.push_back(code);
  put16(made, 0);
  put32(made, 0);
  put_text(made, about);
  finish_packet(made, from.is_v6, protocol, 2);
  return made;
}

}  // namespace netlab::test
