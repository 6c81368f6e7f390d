// SPDX-License-Identifier: MIT
#include "trace/packets.hpp"

#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::trace {
namespace {

// Protocol numbers assigned by IANA.
constexpr unsigned number_icmp = 1;
constexpr unsigned number_tcp = 6;
constexpr unsigned number_udp = 17;
constexpr unsigned number_icmpv6 = 58;
constexpr unsigned number_fragment = 44;
constexpr unsigned max_extension_headers = 8;  // more than in any real packet; RFC 8504 §5.3 allows a limit

unsigned load_u8(bytes_view from, std::size_t at) { return std::to_integer<unsigned>(from[at]); }
unsigned load_u16(bytes_view from, std::size_t at) { return load_u8(from, at) << 8 | load_u8(from, at + 1); }

/// Fields of an IP header, and the offset of its payload.
struct ip_header {
  bytes_view source;
  bytes_view destination;
  unsigned carried = 0;
  std::size_t size = 0;
  std::size_t total = 0;  // octets of the whole packet
  bool is_fragment = false;
};

std::optional<ip_header> parse_ipv4(bytes_view octets) {
  if (octets.size() < 20) return std::nullopt;
  ip_header header{.source = octets.subspan(12, 4),
                   .destination = octets.subspan(16, 4),
                   .carried = load_u8(octets, 9),
                   .size = (load_u8(octets, 0) & 0xf) * std::size_t{4},
                   .total = load_u16(octets, 2),
                   .is_fragment = (load_u16(octets, 6) & 0x1fff) != 0};
  if (header.size < 20 || header.size > octets.size()) return std::nullopt;
  return header;
}

bool is_extension(unsigned number) { return number == 0 || number == 43 || number == 60 || number == number_fragment; }

std::optional<ip_header> parse_ipv6(bytes_view octets) {
  if (octets.size() < 40) return std::nullopt;
  ip_header header{.source = octets.subspan(8, 16),
                   .destination = octets.subspan(24, 16),
                   .carried = load_u8(octets, 6),
                   .size = 40,
                   .total = 40 + std::size_t{load_u16(octets, 4)}};
  for (unsigned count = 0; is_extension(header.carried); ++count) {
    if (count == max_extension_headers || header.size + 8 > octets.size()) return std::nullopt;
    const bool is_fragment = header.carried == number_fragment;
    if (is_fragment && (load_u16(octets, header.size + 2) & 0xfff8) != 0) header.is_fragment = true;
    header.carried = load_u8(octets, header.size);
    header.size += is_fragment ? 8 : (load_u8(octets, header.size + 1) + std::size_t{1}) * 8;
    if (header.size > octets.size()) return std::nullopt;
  }
  return header;
}

std::optional<ip_header> parse_ip(bytes_view octets) {
  if (octets.empty()) return std::nullopt;
  switch (load_u8(octets, 0) >> 4) {
    case 4: return parse_ipv4(octets);
    case 6: return parse_ipv6(octets);
    default: return std::nullopt;
  }
}

bool parse_tcp(bytes_view segment, std::size_t room, packet& into) {
  if (segment.size() < 20) return false;
  const std::size_t header = (load_u8(segment, 12) >> 4) * std::size_t{4};
  if (header < 20 || header > room) return false;
  into.protocol = protocol::tcp;
  into.sequence = load_u32(segment.subspan(4), byte_order::big);
  into.acknowledged = load_u32(segment.subspan(8), byte_order::big);
  into.flags = static_cast<std::uint8_t>(load_u8(segment, 13));
  into.window = static_cast<std::uint16_t>(load_u16(segment, 14));
  into.payload = static_cast<std::uint32_t>(room - header);
  return true;
}

bool parse_udp(bytes_view datagram, packet& into) {
  if (datagram.size() < 8) return false;
  const unsigned length = load_u16(datagram, 4);
  if (length < 8) return false;
  into.protocol = protocol::udp;
  into.payload = length - 8;  // of the whole datagram, even if this is only its first fragment
  return true;
}

/// RFC 792 and RFC 4443 §3: only errors, which quote the packet that identifies the socket.
bool parse_icmp(bytes_view message, bool is_v6, packet& into) {
  if (message.size() < 8) return false;
  const unsigned type = load_u8(message, 0);
  const bool is_error = is_v6 ? type < 128 : type == 3 || type == 11 || type == 12;
  if (!is_error) return false;
  const bytes_view quoted = message.subspan(8);
  const auto inner = parse_ip(quoted);
  if (!inner || inner->is_fragment || quoted.size() < inner->size + 4) return false;
  if (inner->carried != number_tcp && inner->carried != number_udp) return false;
  into.protocol = protocol::icmp;
  into.icmp = icmp_error{
      .type = static_cast<std::uint8_t>(type),
      .code = static_cast<std::uint8_t>(load_u8(message, 1)),
      .about = inner->carried == number_tcp ? protocol::tcp : protocol::udp,
      .source = make_address(inner->source, static_cast<std::uint16_t>(load_u16(quoted, inner->size))),
      .destination = make_address(inner->destination, static_cast<std::uint16_t>(load_u16(quoted, inner->size + 2)))};
  return true;
}

std::string name_of_icmp(const icmp_error& error, bool is_v6) {
  if (is_v6) {
    if (error.type == 1 && error.code == 4) return "port unreachable";
    if (error.type == 1) return "destination unreachable";
    if (error.type == 2) return "packet too big";
    if (error.type == 3) return "time exceeded";
  } else {
    if (error.type == 3 && error.code == 3) return "port unreachable";
    if (error.type == 3 && error.code == 4) return "fragmentation needed";
    if (error.type == 3 && error.code == 13) return "administratively prohibited";
    if (error.type == 3) return error.code == 1 ? "host unreachable" : "destination unreachable";
    if (error.type == 11) return "time exceeded";
  }
  return fmt::format("type {}, code {}", error.type, error.code);
}

std::string names_of_flags(std::uint8_t flags) {
  constexpr std::array<std::pair<std::uint8_t, std::string_view>, 4> names{
      {{tcp_flag::syn, "SYN"}, {tcp_flag::fin, "FIN"}, {tcp_flag::rst, "RST"}, {tcp_flag::ack, "ACK"}}};
  std::string text;
  for (const auto& [flag, name] : names) {
    if ((flags & flag) == 0) continue;
    if (!text.empty()) text += '+';
    text += name;
  }
  return text.empty() ? "no flags" : text;
}

}  // namespace

std::string_view name_of(protocol which) noexcept {
  switch (which) {
    case protocol::tcp: return "tcp";
    case protocol::udp: return "udp";
    case protocol::icmp: return "icmp";
  }
  return "?";
}

std::optional<packet> parse_packet(bytes_view octets, std::size_t length) {
  const auto ip = parse_ip(octets);
  if (!ip) return std::nullopt;
  // A packet that is captured before segmentation offload may be too long for IPv4's length field, which is then 0.
  const std::size_t total = ip->total > ip->size ? ip->total : length;
  const std::size_t room = total > ip->size ? total - ip->size : 0;
  const bytes_view carried = octets.subspan(ip->size);
  packet made{.length = static_cast<std::uint32_t>(length)};
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  if (ip->is_fragment) {
    if (ip->carried != number_tcp && ip->carried != number_udp) return std::nullopt;
    made.protocol = ip->carried == number_tcp ? protocol::tcp : protocol::udp;
    made.is_fragment = true;
    made.payload = static_cast<std::uint32_t>(room);
  } else if (ip->carried == number_tcp || ip->carried == number_udp) {
    if (!(ip->carried == number_tcp ? parse_tcp(carried, room, made) : parse_udp(carried, made))) return std::nullopt;
    source_port = static_cast<std::uint16_t>(load_u16(carried, 0));
    destination_port = static_cast<std::uint16_t>(load_u16(carried, 2));
  } else if (ip->carried == number_icmp || ip->carried == number_icmpv6) {
    if (!parse_icmp(carried, ip->carried == number_icmpv6, made)) return std::nullopt;
  } else {
    return std::nullopt;
  }
  made.source = make_address(ip->source, source_port);
  made.destination = make_address(ip->destination, destination_port);
  return made;
}

std::string describe(const packet& of) {
  if (of.icmp) return fmt::format("ICMP {}", name_of_icmp(*of.icmp, of.source.is_v6));
  if (of.is_fragment) return fmt::format("{} fragment", of.protocol == protocol::udp ? "UDP" : "TCP");
  if (of.protocol == protocol::udp) return fmt::format("UDP {}", count_of(of.payload, "octet"));
  std::string text;
  const auto flags =
      static_cast<std::uint8_t>(of.flags & (tcp_flag::syn | tcp_flag::fin | tcp_flag::rst | tcp_flag::ack));
  if (of.payload == 0 || flags != tcp_flag::ack) text = names_of_flags(flags);
  if (of.payload > 0) text += fmt::format("{}{}", text.empty() ? "" : ", ", count_of(of.payload, "octet"));
  return text;
}

}  // namespace netlab::trace
