// SPDX-License-Identifier: MIT
// Reads and writes fields of packets in network byte order. The caller checks that the octets exist.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes.hpp"
#include "base/ip.hpp"

namespace netlab::scan {

inline void put_8(std::span<std::byte> to, std::size_t at, unsigned value) { to[at] = static_cast<std::byte>(value); }
inline void put_16(std::span<std::byte> to, std::size_t at, unsigned value) {
  to[at] = static_cast<std::byte>(value >> 8);
  to[at + 1] = static_cast<std::byte>(value & 0xff);
}
inline void put_32(std::span<std::byte> to, std::size_t at, std::uint32_t value) {
  store_u32(to.subspan(at), value, byte_order::big);
}
inline void put_address(std::span<std::byte> to, std::size_t at, const ip_address& value) {
  const auto octets = value.octets();
  std::memcpy(to.data() + at, octets.data(), value.is_v6 ? 16 : 4);
}

[[nodiscard]] inline std::uint8_t load_8(bytes_view from, std::size_t at) {
  return std::to_integer<std::uint8_t>(from[at]);
}
[[nodiscard]] inline std::uint16_t load_16(bytes_view from, std::size_t at) {
  return static_cast<std::uint16_t>(load_8(from, at) << 8 | load_8(from, at + 1));
}
[[nodiscard]] inline std::uint32_t load_32(bytes_view from, std::size_t at) {
  return load_u32(from.subspan(at), byte_order::big);
}
[[nodiscard]] inline ip_address load_v4(bytes_view from, std::size_t at) { return ip_address::v4(load_32(from, at)); }
[[nodiscard]] inline ip_address load_v6(bytes_view from, std::size_t at) {
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), from.data() + at, octets.size());
  return ip_address::v6(octets);
}

}  // namespace netlab::scan
