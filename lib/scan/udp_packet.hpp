// SPDX-License-Identifier: MIT
// UDP datagrams in IP packets. RFC 768; RFC 8200 §8.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "scan/ip_packet.hpp"

namespace netlab::scan {

inline constexpr std::size_t udp_header_size = 8;

/// The datagrams from one address.
class udp_writer {
 public:
  explicit udp_writer(const address& from) noexcept : header_(from, protocol_udp) {}

  /// Of the packet with this datagram.
  [[nodiscard]] std::size_t size(bytes_view payload) const noexcept {
    return header_.size() + udp_header_size + payload.size();
  }
  /// Writes the packet into the first size() octets. `to` must be of the same family.
  void write(std::span<std::byte> into, const address& to, std::uint16_t from_port, std::uint16_t to_port,
             bytes_view payload) const noexcept;

 private:
  ip_header_writer header_;
};

struct udp_datagram {
  std::uint16_t from_port = 0;
  std::uint16_t to_port = 0;
  std::size_t size = 0;  ///< of the whole payload
  bytes_view payload;    ///< of which the packet may have only the beginning
};

/// `octets`: an IP packet's payload. None without a whole header. The checksum is not verified.
[[nodiscard]] std::optional<udp_datagram> parse_udp(bytes_view octets) noexcept;

}  // namespace netlab::scan
