// SPDX-License-Identifier: MIT
// IPv4 and IPv6 addresses as numbers, and as people write them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace netlab {

/// An IPv4 or IPv6 address. The order is by family, then interface, then number, so that the addresses between two of
/// one interface are all on that interface.
struct ip_address {
  bool is_v6 = false;
  std::uint32_t scope = 0;  ///< number of a link-local address's interface (RFC 4007); 0: none
  std::uint64_t high = 0;   ///< the first 64 bits of an IPv6 address
  std::uint64_t low = 0;    ///< the rest, or the IPv4 address

  [[nodiscard]] static constexpr ip_address v4(std::uint32_t host_order) noexcept { return {.low = host_order}; }
  [[nodiscard]] static ip_address v6(const std::array<std::uint8_t, 16>& octets, std::uint32_t scope = 0) noexcept;
  /// Network byte order: 16 octets, or the first 4.
  [[nodiscard]] std::array<std::uint8_t, 16> octets() const noexcept;

  /// The address so many further on, on the same interface.
  [[nodiscard]] ip_address plus(std::uint64_t offset) const noexcept;

  [[nodiscard]] bool is_loopback() const noexcept;     ///< 127.0.0.0/8, ::1
  [[nodiscard]] bool is_unspecified() const noexcept;  ///< 0.0.0.0, ::
  [[nodiscard]] bool is_multicast() const noexcept;    ///< 224.0.0.0/4, ff00::/8
  [[nodiscard]] bool is_link_local() const noexcept;   ///< fe80::/10: one of an interface (RFC 4291 §2.5.6)
  [[nodiscard]] bool is_v4_mapped() const noexcept;    ///< ::ffff:0:0/96

  /// The same address, whatever its interface is.
  [[nodiscard]] constexpr bool equals_without_scope(const ip_address& other) const noexcept {
    return is_v6 == other.is_v6 && high == other.high && low == other.low;
  }

  friend constexpr auto operator<=>(const ip_address&, const ip_address&) = default;
};

/// The number of the interface of that name; 0 where there is none. base asks no system: net::interface_number does.
using interface_lookup = std::uint32_t (*)(const std::string& name);

/// `192.0.2.1`, `::1`, `fe80::1%eth0`, `fe80::1%2`; without brackets, ports and blanks. A name after the % is looked up
/// with `find_interface`; without it, only a number is taken.
[[nodiscard]] std::optional<ip_address> parse_ip(std::string_view text, interface_lookup find_interface = nullptr);

/// RFC 5952; an interface as its number: fe80::1%2.
[[nodiscard]] std::string to_string(const ip_address& of);

/// A link-local address is one of an interface, which has to be named (RFC 4007 §6). Fails with errc::usage.
[[nodiscard]] result<void> check_interface(const ip_address& address);

/// The address that is really reached: an IPv4-mapped one is the IPv4 address, the unspecified one is loopback (Linux
/// connects there, and the answers come from there).
[[nodiscard]] ip_address as_reached(const ip_address& address) noexcept;

}  // namespace netlab
