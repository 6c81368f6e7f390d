// SPDX-License-Identifier: MIT
// Octets as they are on the wire, and integers encoded in them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace netlab {

using bytes = std::vector<std::byte>;
using bytes_view = std::span<const std::byte>;

/// View the same octets as text and back; nothing is copied.
[[nodiscard]] inline bytes_view as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view as_text(bytes_view octets) noexcept {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

inline void append(bytes& to, bytes_view octets) {
  if (octets.empty()) return;
  // Not insert(), for which g++ 14 gives a false warning.
  const std::size_t before = to.size();
  to.resize(before + octets.size());
  std::memcpy(to.data() + before, octets.data(), octets.size());
}
inline void append(bytes& to, std::string_view text) { append(to, as_bytes(text)); }

/// Order of the octets of an integer. `big` is network byte order (RFC 791, appendix B).
enum class byte_order : std::uint8_t { big, little };

inline constexpr byte_order native_order =
    std::endian::native == std::endian::big ? byte_order::big : byte_order::little;

[[nodiscard]] constexpr std::uint32_t swap_octets(std::uint32_t value) noexcept { return __builtin_bswap32(value); }

/// Reads 4 octets; the span must hold at least 4.
[[nodiscard]] constexpr std::uint32_t load_u32(bytes_view from, byte_order order) noexcept {
  const auto octets = from.first<4>();  // so that a hardened library checks the size once, not each octet
  const auto octet = [&](std::size_t index) { return std::to_integer<std::uint32_t>(octets[index]); };
  const std::uint32_t big = octet(0) << 24 | octet(1) << 16 | octet(2) << 8 | octet(3);
  return order == byte_order::big ? big : swap_octets(big);
}

/// Writes 4 octets; the span must hold at least 4.
constexpr void store_u32(std::span<std::byte> at, std::uint32_t value, byte_order order) noexcept {
  const std::uint32_t big = order == byte_order::big ? value : swap_octets(value);
  const auto to = at.first<4>();  // as in load_u32()
  to[0] = static_cast<std::byte>(big >> 24);
  to[1] = static_cast<std::byte>(big >> 16);
  to[2] = static_cast<std::byte>(big >> 8);
  to[3] = static_cast<std::byte>(big);
}

inline void append_u32(bytes& to, std::uint32_t value, byte_order order) {
  const std::size_t at = to.size();
  to.resize(at + 4);
  store_u32(std::span(to).subspan(at), value, order);
}

}  // namespace netlab
