// SPDX-License-Identifier: MIT
#include "scan/syn_packet.hpp"

#include <algorithm>

#include "scan/packet_octets.hpp"

namespace netlab::scan {
namespace {

constexpr std::size_t tcp_header = 20;
constexpr std::uint16_t announced_window = 64'240;  // Linux's for Ethernet: 44 segments of 1460 octets
constexpr std::uint16_t segment_v4 = 1460;          // RFC 6691
constexpr std::uint16_t segment_v6 = 1440;
constexpr std::uint8_t flag_syn = 0x02;
constexpr std::uint8_t flag_reset = 0x04;
constexpr std::uint8_t flag_ack = 0x10;

}  // namespace

syn_writer::syn_writer(const address& from) noexcept : header_(from, protocol_tcp) {
  const std::span<std::byte> tcp(constant_);
  put_8(tcp, 12, (segment_size / 4) << 4);
  put_8(tcp, 13, flag_syn);
  put_16(tcp, 14, announced_window);
  put_8(tcp, 20, 2);
  put_8(tcp, 21, 4);
  put_16(tcp, 22, from.is_v6 ? segment_v6 : segment_v4);
  sum_ = internet_sum(tcp);
}

void syn_writer::write(std::span<std::byte> into, const address& to, std::uint16_t from_port, std::uint16_t to_port,
                       std::uint32_t sequence) const noexcept {
  const std::uint32_t sum = header_.write(into, to, segment_size) + sum_;
  const std::span<std::byte> tcp = into.subspan(header_.size());
  std::ranges::copy(constant_, tcp.begin());
  put_16(tcp, 0, from_port);
  put_16(tcp, 2, to_port);
  put_32(tcp, 4, sequence);
  put_16(tcp, 16, checksum_of(sum + from_port + to_port + sum_of_halves(sequence)));
}

std::optional<syn_answer> parse_syn_answer(bytes_view segment) noexcept {
  if (segment.size() < tcp_header) return std::nullopt;
  const std::uint8_t flags = load_8(segment, 13);
  if ((flags & flag_ack) == 0 || (flags & (flag_reset | flag_syn)) == 0) return std::nullopt;
  syn_answer found;
  found.is_reset = (flags & flag_reset) != 0;
  found.port = load_16(segment, 0);
  found.own_port = load_16(segment, 2);
  found.sequence = load_32(segment, 8) - 1;  // RFC 9293 §3.10.7: it acknowledges the SYN, which counts as one octet
  return found;
}

}  // namespace netlab::scan
