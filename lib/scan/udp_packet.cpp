// SPDX-License-Identifier: MIT
#include "scan/udp_packet.hpp"

#include <algorithm>

#include "scan/packet_octets.hpp"

namespace netlab::scan {

void udp_writer::write(std::span<std::byte> into, const address& to, std::uint16_t from_port, std::uint16_t to_port,
                       bytes_view payload) const noexcept {
  const std::size_t length = udp_header_size + payload.size();
  const std::uint32_t sum = header_.write(into, to, length, from_port);
  const std::span<std::byte> udp = into.subspan(header_.size());
  put_16(udp, 0, from_port);
  put_16(udp, 2, to_port);
  put_16(udp, 4, static_cast<unsigned>(length));
  std::ranges::copy(payload, udp.subspan(udp_header_size).begin());
  const std::uint16_t checksum =
      internet_checksum(payload, sum + from_port + to_port + static_cast<std::uint32_t>(length));
  put_16(udp, 6, checksum == 0 ? 0xffff : checksum);  // 0 means: none
}

std::optional<udp_datagram> parse_udp(bytes_view octets) noexcept {
  if (octets.size() < udp_header_size) return std::nullopt;
  udp_datagram found{.from_port = load_16(octets, 0), .to_port = load_16(octets, 2)};
  const std::size_t length = load_16(octets, 4);
  if (length < udp_header_size) return std::nullopt;
  found.size = length - udp_header_size;
  const bytes_view rest = octets.subspan(udp_header_size);
  found.payload = rest.first(std::min(found.size, rest.size()));
  return found;
}

}  // namespace netlab::scan
