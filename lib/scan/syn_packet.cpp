// SPDX-License-Identifier: MIT
#include "scan/syn_packet.hpp"

#include <algorithm>
#include <cstring>

namespace netlab::scan {
namespace {

constexpr std::size_t v4_header = 20;
constexpr std::size_t v6_header = 40;
constexpr std::size_t tcp_header = 20;
constexpr std::size_t syn_header = tcp_header + 4;  // with the option of the maximum segment size
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_icmpv6 = 58;
constexpr std::uint8_t hop_limit = 64;
constexpr std::uint16_t announced_window = 64'240;         // Linux's for Ethernet: 44 segments of 1460 octets
constexpr std::uint16_t segment_v4 = 1460;       // RFC 6691
constexpr std::uint16_t segment_v6 = 1440;
constexpr std::uint8_t flag_syn = 0x02;
constexpr std::uint8_t flag_reset = 0x04;
constexpr std::uint8_t flag_ack = 0x10;
constexpr std::uint8_t solicitation = 135;
constexpr std::uint8_t advertisement = 136;
constexpr std::uint8_t option_source_mac = 1;
constexpr std::uint8_t option_target_mac = 2;

void put_8(std::span<std::byte> to, std::size_t at, unsigned value) { to[at] = static_cast<std::byte>(value); }
void put_16(std::span<std::byte> to, std::size_t at, unsigned value) {
  to[at] = static_cast<std::byte>(value >> 8);
  to[at + 1] = static_cast<std::byte>(value & 0xff);
}
void put_address(std::span<std::byte> to, std::size_t at, const address& value) {
  const auto octets = value.octets();
  std::memcpy(to.data() + at, octets.data(), value.is_v6 ? 16 : 4);
}

std::uint8_t octet_at(bytes_view from, std::size_t at) { return std::to_integer<std::uint8_t>(from[at]); }
std::uint16_t load_16(bytes_view from, std::size_t at) {
  return static_cast<std::uint16_t>(octet_at(from, at) << 8 | octet_at(from, at + 1));
}
std::uint32_t load_32(bytes_view from, std::size_t at) { return load_u32(from.subspan(at), byte_order::big); }
address v4_at(bytes_view from, std::size_t at) { return address::v4(load_32(from, at)); }
address v6_at(bytes_view from, std::size_t at) {
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), from.data() + at, octets.size());
  return address::v6(octets);
}

std::uint32_t sum_of(bytes_view octets, std::uint32_t sum = 0) {
  std::size_t at = 0;
  for (; at + 1 < octets.size(); at += 2) sum += load_16(octets, at);
  if (at < octets.size()) sum += static_cast<std::uint32_t>(octet_at(octets, at)) << 8;
  return sum;
}
std::uint32_t sum_of(std::uint32_t word) { return (word >> 16) + (word & 0xffff); }
std::uint32_t sum_of(std::uint64_t word) {
  return sum_of(static_cast<std::uint32_t>(word >> 32)) + sum_of(static_cast<std::uint32_t>(word));
}
std::uint16_t fold(std::uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

struct ip_packet {
  bool is_v6 = false;
  std::uint8_t protocol = 0;
  address from;
  address to;
  bytes_view payload;
};

/// The packet may be cut off. IPv6 extension headers that change nothing about the payload are skipped.
std::optional<ip_packet> parse_ip_packet(bytes_view octets) {
  if (octets.empty()) return std::nullopt;
  ip_packet found;
  if (octet_at(octets, 0) >> 4 == 4) {
    const std::size_t header = std::size_t{octet_at(octets, 0) & 0x0fU} * 4;
    if (header < v4_header || octets.size() < header) return std::nullopt;
    if ((load_16(octets, 6) & 0x1fff) != 0) return std::nullopt;
    found.protocol = octet_at(octets, 9);
    found.from = v4_at(octets, 12);
    found.to = v4_at(octets, 16);
    const std::size_t length = load_16(octets, 2);
    found.payload = octets.first(std::clamp(length, header, octets.size())).subspan(header);
    return found;
  }
  if (octet_at(octets, 0) >> 4 != 6 || octets.size() < v6_header) return std::nullopt;
  found.is_v6 = true;
  found.protocol = octet_at(octets, 6);
  found.from = v6_at(octets, 8);
  found.to = v6_at(octets, 24);
  const std::size_t length = load_16(octets, 4);
  found.payload = octets.subspan(v6_header, std::min(length, octets.size() - v6_header));
  const auto is_skipped = [](std::uint8_t next) { return next == 0 || next == 43 || next == 60; };
  while (is_skipped(found.protocol)) {
    if (found.payload.size() < 8) return std::nullopt;
    const std::size_t size = (std::size_t{octet_at(found.payload, 1)} + 1) * 8;
    if (found.payload.size() < size) return std::nullopt;
    found.protocol = octet_at(found.payload, 0);
    found.payload = found.payload.subspan(size);
  }
  return found;
}

std::optional<syn_answer> parse_icmp(const ip_packet& packet) {
  constexpr std::size_t header = 8;
  if (packet.payload.size() < header) return std::nullopt;
  syn_answer found;
  found.type = syn_answer::kind::icmp;
  found.icmp.is_v6 = packet.is_v6;
  found.icmp.type = octet_at(packet.payload, 0);
  found.icmp.code = octet_at(packet.payload, 1);
  found.icmp.sender = packet.from;
  if (!reason_of(found.icmp)) return std::nullopt;
  const auto quoted = parse_ip_packet(packet.payload.subspan(header));
  // RFC 792 quotes the first eight octets of the payload: the ports and the sequence number.
  if (!quoted || quoted->is_v6 != packet.is_v6 || quoted->protocol != protocol_tcp || quoted->payload.size() < 8)
    return std::nullopt;
  found.own = quoted->from;
  found.target = quoted->to;
  found.own_port = load_16(quoted->payload, 0);
  found.port = load_16(quoted->payload, 2);
  found.sequence = load_32(quoted->payload, 4);
  return found;
}

}  // namespace

std::uint16_t internet_checksum(bytes_view octets, std::uint32_t sum) noexcept { return fold(sum_of(octets, sum)); }

syn_writer::syn_writer(const address& from) noexcept
    : size_((from.is_v6 ? v6_header : v4_header) + syn_header), is_v6_(from.is_v6) {
  const std::span<std::byte> all(constant_);
  const std::size_t header = is_v6_ ? v6_header : v4_header;
  if (is_v6_) {
    put_8(all, 0, 0x60);
    put_16(all, 4, syn_header);
    put_8(all, 6, protocol_tcp);
    put_8(all, 7, hop_limit);
    put_address(all, 8, from);
  } else {
    put_8(all, 0, 0x45);
    put_16(all, 2, static_cast<unsigned>(size_));
    put_16(all, 6, 0x4000);  // may not be fragmented: then the identification is of no use (RFC 6864)
    put_8(all, 8, hop_limit);
    put_8(all, 9, protocol_tcp);
    put_address(all, 12, from);
    ip_sum_ = sum_of(all.first(v4_header));
  }
  const std::span<std::byte> tcp = all.subspan(header);
  put_8(tcp, 12, (syn_header / 4) << 4);
  put_8(tcp, 13, flag_syn);
  put_16(tcp, 14, announced_window);
  put_8(tcp, 20, 2);
  put_8(tcp, 21, 4);
  put_16(tcp, 22, is_v6_ ? segment_v6 : segment_v4);
  const std::size_t source = is_v6_ ? 8 : 12;
  tcp_sum_ = sum_of(tcp.first(syn_header), sum_of(all.subspan(source, is_v6_ ? 16 : 4))) + protocol_tcp + syn_header;
}

void syn_writer::write(std::span<std::byte, max_size> into, const address& to, std::uint16_t from_port,
                       std::uint16_t to_port, std::uint32_t sequence) const noexcept {
  std::ranges::copy(constant_, into.begin());
  const std::uint32_t to_sum = is_v6_ ? sum_of(to.high) + sum_of(to.low) : sum_of(static_cast<std::uint32_t>(to.low));
  if (is_v6_) {
    put_address(into, 24, to);
  } else {
    store_u32(into.subspan(16), static_cast<std::uint32_t>(to.low), byte_order::big);
    put_16(into, 10, fold(ip_sum_ + to_sum));
  }
  const std::span<std::byte> tcp = std::span<std::byte>(into).subspan(is_v6_ ? v6_header : v4_header);
  put_16(tcp, 0, from_port);
  put_16(tcp, 2, to_port);
  store_u32(tcp.subspan(4), sequence, byte_order::big);
  put_16(tcp, 16, fold(tcp_sum_ + to_sum + from_port + to_port + sum_of(sequence)));
}

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
  constexpr std::size_t length = solicitation_size - v6_header;
  put_8(made, 0, 0x60);
  put_16(made, 4, length);
  put_8(made, 6, protocol_icmpv6);
  put_8(made, 7, 255);  // RFC 4861 §7.1.1: proves that no router forwarded it
  put_address(made, 8, from);
  const address group{.is_v6 = true, .high = 0xff02'0000'0000'0000, .low = 0x1'ff00'0000 | (wanted.low & 0xff'ffff)};
  put_address(made, 24, group);
  put_8(made, v6_header, solicitation);
  put_address(made, v6_header + 8, wanted);
  put_8(made, v6_header + 24, option_source_mac);
  put_8(made, v6_header + 25, 1);
  std::memcpy(made.data() + v6_header + 26, own.data(), own.size());
  const bytes_view all(made);
  put_16(made, v6_header + 2, internet_checksum(all.subspan(8), length + protocol_icmpv6));
  return made;
}

std::optional<syn_answer> parse_syn_answer(bytes_view packet) noexcept {
  const auto ip = parse_ip_packet(packet);
  if (!ip) return std::nullopt;
  if (ip->protocol == (ip->is_v6 ? protocol_icmpv6 : protocol_icmp)) return parse_icmp(*ip);
  if (ip->protocol != protocol_tcp || ip->payload.size() < tcp_header) return std::nullopt;
  const std::uint8_t flags = octet_at(ip->payload, 13);
  if ((flags & flag_ack) == 0) return std::nullopt;
  syn_answer found;
  if ((flags & flag_reset) != 0)
    found.type = syn_answer::kind::reset;
  else if ((flags & flag_syn) != 0)
    found.type = syn_answer::kind::syn_ack;
  else
    return std::nullopt;
  found.target = ip->from;
  found.own = ip->to;
  found.port = load_16(ip->payload, 0);
  found.own_port = load_16(ip->payload, 2);
  found.sequence = load_32(ip->payload, 8) - 1;  // RFC 9293 §3.10.7: it acknowledges the SYN, which counts as one octet
  return found;
}

std::optional<neighbour_answer> parse_arp(bytes_view octets) noexcept {
  if (octets.size() < arp_size || load_16(octets, 0) != 1 || load_16(octets, 2) != 0x0800 || octet_at(octets, 4) != 6 ||
      octet_at(octets, 5) != 4)
    return std::nullopt;
  neighbour_answer found{.who = v4_at(octets, 14)};
  std::memcpy(found.mac.data(), octets.data() + 8, found.mac.size());
  if (found.who.is_unspecified()) return std::nullopt;  // RFC 5227: a probe, its sender has no address yet
  return found;
}

std::optional<neighbour_answer> parse_advertisement(bytes_view packet, const mac_address& sender) noexcept {
  constexpr std::size_t fixed = 24;
  const auto ip = parse_ip_packet(packet);
  if (!ip || !ip->is_v6 || ip->protocol != protocol_icmpv6 || ip->payload.size() < fixed ||
      octet_at(ip->payload, 0) != advertisement || octet_at(packet, 7) != 255)
    return std::nullopt;
  neighbour_answer found{.who = v6_at(ip->payload, 8), .mac = sender};
  for (bytes_view options = ip->payload.subspan(fixed); options.size() >= 8;) {
    const std::size_t size = std::size_t{octet_at(options, 1)} * 8;
    if (size == 0 || size > options.size()) break;
    if (octet_at(options, 0) == option_target_mac) std::memcpy(found.mac.data(), options.data() + 2, found.mac.size());
    options = options.subspan(size);
  }
  return found;
}

}  // namespace netlab::scan
