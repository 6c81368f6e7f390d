// SPDX-License-Identifier: MIT
#include "scan/ip_packet.hpp"

#include <algorithm>

#include "scan/packet_octets.hpp"

namespace netlab::scan {
namespace {

constexpr std::uint8_t hop_limit = 64;

std::uint32_t sum_of_address(const address& of) {
  const auto sum = [](std::uint64_t half) {
    return sum_of_halves(static_cast<std::uint32_t>(half >> 32)) + sum_of_halves(static_cast<std::uint32_t>(half));
  };
  return of.is_v6 ? sum(of.high) + sum(of.low) : sum(of.low);
}

}  // namespace

std::uint32_t internet_sum(bytes_view octets, std::uint32_t sum) noexcept {
  std::size_t at = 0;
  for (; at + 1 < octets.size(); at += 2) sum += load_16(octets, at);
  if (at < octets.size()) sum += static_cast<std::uint32_t>(load_8(octets, at)) << 8;
  return sum;
}

std::uint16_t internet_checksum(bytes_view octets, std::uint32_t sum) noexcept {
  return checksum_of(internet_sum(octets, sum));
}

ip_header_writer::ip_header_writer(const address& from, std::uint8_t protocol) noexcept
    : size_(from.is_v6 ? ipv6_header_size : ipv4_header_size), pseudo_sum_(sum_of_address(from) + protocol) {
  const std::span<std::byte> all(constant_);
  if (from.is_v6) {
    put_8(all, 0, 0x60);
    put_8(all, 6, protocol);
    put_8(all, 7, hop_limit);
    put_address(all, 8, from);
    return;
  }
  put_8(all, 0, 0x45);
  put_8(all, 8, hop_limit);
  put_8(all, 9, protocol);
  put_address(all, 12, from);
  header_sum_ = internet_sum(all.first(ipv4_header_size));
}

std::uint32_t ip_header_writer::write(std::span<std::byte> into, const address& to, std::size_t payload_size,
                                      std::uint16_t identification) const noexcept {
  std::copy_n(constant_.begin(), size_, into.begin());
  const std::uint32_t to_sum = sum_of_address(to);
  if (to.is_v6) {
    put_16(into, 4, static_cast<unsigned>(payload_size));
    put_address(into, 24, to);
  } else {
    const auto length = static_cast<unsigned>(ipv4_header_size + payload_size);
    put_16(into, 2, length);
    put_32(into, 16, static_cast<std::uint32_t>(to.low));
    // Without an identification, it may not be fragmented (RFC 6864).
    const std::uint32_t flags = identification == 0 ? 0x4000 : 0;
    put_16(into, 4, identification);
    put_16(into, 6, flags);
    put_16(into, 10, checksum_of(header_sum_ + length + identification + flags + to_sum));
  }
  return pseudo_sum_ + to_sum + static_cast<std::uint32_t>(payload_size);
}

std::optional<ip_packet> parse_ip_packet(bytes_view octets) noexcept {
  if (octets.empty()) return std::nullopt;
  ip_packet found;
  if (load_8(octets, 0) >> 4 == 4) {
    const std::size_t header = std::size_t{load_8(octets, 0) & 0x0fU} * 4;
    if (header < ipv4_header_size || octets.size() < header) return std::nullopt;
    if ((load_16(octets, 6) & 0x1fff) != 0) return std::nullopt;
    found.protocol = load_8(octets, 9);
    found.from = load_v4(octets, 12);
    found.to = load_v4(octets, 16);
    const std::size_t length = load_16(octets, 2);
    found.payload = octets.first(std::clamp(length, header, octets.size())).subspan(header);
    return found;
  }
  if (load_8(octets, 0) >> 4 != 6 || octets.size() < ipv6_header_size) return std::nullopt;
  found.is_v6 = true;
  found.protocol = load_8(octets, 6);
  found.from = load_v6(octets, 8);
  found.to = load_v6(octets, 24);
  const std::size_t length = load_16(octets, 4);
  found.payload = octets.subspan(ipv6_header_size, std::min(length, octets.size() - ipv6_header_size));
  constexpr std::uint8_t fragment = 44;
  const auto is_skipped = [](std::uint8_t next) { return next == 0 || next == 43 || next == 60 || next == fragment; };
  while (is_skipped(found.protocol)) {
    if (found.payload.size() < 8) return std::nullopt;
    if (found.protocol == fragment && (load_16(found.payload, 2) & 0xfff8) != 0) return std::nullopt;
    const std::size_t size = found.protocol == fragment ? 8 : (std::size_t{load_8(found.payload, 1)} + 1) * 8;
    if (found.payload.size() < size) return std::nullopt;
    found.protocol = load_8(found.payload, 0);
    found.payload = found.payload.subspan(size);
  }
  return found;
}

std::optional<packet_error> parse_icmp_error(const ip_packet& packet) noexcept {
  constexpr std::size_t header = 8;
  constexpr std::size_t least_quoted = 8;  // RFC 792
  if (packet.protocol != (packet.is_v6 ? protocol_icmpv6 : protocol_icmp) || packet.payload.size() < header)
    return std::nullopt;
  packet_error found;
  found.icmp.is_v6 = packet.is_v6;
  found.icmp.type = load_8(packet.payload, 0);
  found.icmp.code = load_8(packet.payload, 1);
  found.icmp.sender = packet.from;
  if (!reason_of(found.icmp)) return std::nullopt;
  const auto quoted = parse_ip_packet(packet.payload.subspan(header));
  if (!quoted || quoted->is_v6 != packet.is_v6 || quoted->payload.size() < least_quoted) return std::nullopt;
  found.quoted = *quoted;
  return found;
}

}  // namespace netlab::scan
