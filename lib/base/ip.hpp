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

/// An IPv4 or IPv6 address. Addresses are ordered by family, then interface, then number: all addresses between two
/// addresses of one interface are on that interface.
struct ip_address {
  bool is_v6 = false;
  std::uint32_t scope = 0;  ///< interface number of a link-local address (RFC 4007); 0: none
  std::uint64_t high = 0;   ///< the first 64 bits of an IPv6 address
  std::uint64_t low = 0;    ///< the rest, or the IPv4 address

  [[nodiscard]] static constexpr ip_address v4(std::uint32_t host_order) noexcept { return {.low = host_order}; }
  [[nodiscard]] static ip_address v6(const std::array<std::uint8_t, 16>& octets, std::uint32_t scope = 0) noexcept;
  /// Network byte order: 16 octets, or the first 4.
  [[nodiscard]] std::array<std::uint8_t, 16> octets() const noexcept;

  /// The address plus `offset`, on the same interface.
  [[nodiscard]] ip_address plus(std::uint64_t offset) const noexcept;
  /// The address minus 1; not for the first one.
  [[nodiscard]] ip_address previous() const noexcept;

  [[nodiscard]] bool is_loopback() const noexcept;     ///< 127.0.0.0/8, ::1
  [[nodiscard]] bool is_unspecified() const noexcept;  ///< 0.0.0.0, ::
  [[nodiscard]] bool is_multicast() const noexcept;    ///< 224.0.0.0/4, ff00::/8
  [[nodiscard]] bool is_link_local() const noexcept;   ///< fe80::/10 (RFC 4291 §2.5.6)
  [[nodiscard]] bool is_v4_mapped() const noexcept;    ///< ::ffff:0:0/96

  /// Compares without the interface.
  [[nodiscard]] constexpr bool equals_without_scope(const ip_address& other) const noexcept {
    return is_v6 == other.is_v6 && high == other.high && low == other.low;
  }

  friend constexpr auto operator<=>(const ip_address&, const ip_address&) = default;
};

/// Returns the number of the interface with this name, or 0. This module does not ask the system: pass
/// net::interface_number.
using interface_lookup = std::uint32_t (*)(const std::string& name);

/// Parses `192.0.2.1`, `::1`, `fe80::1%eth0`, `fe80::1%2`; no brackets, ports or blanks. `find_interface` looks up a
/// name after the %; without `find_interface`, only a number is accepted.
[[nodiscard]] std::optional<ip_address> parse_ip(std::string_view text, interface_lookup find_interface = nullptr);

/// As in RFC 5952, with the interface as a number: fe80::1%2.
[[nodiscard]] std::string to_string(const ip_address& of);

/// Fails with errc::usage if a link-local address has no interface (RFC 4007 §6).
[[nodiscard]] result<void> check_interface(const ip_address& address);

/// The address that a connection really reaches: an IPv4-mapped address becomes its IPv4 address, the unspecified
/// address becomes loopback (Linux connects there, and the answers come from there).
[[nodiscard]] ip_address as_reached(const ip_address& address) noexcept;

}  // namespace netlab
