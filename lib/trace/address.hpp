// SPDX-License-Identifier: MIT
// The address and port of an end of a connection, as found in a packet or in a sockaddr.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace netlab::trace {

/// An IPv4 address uses the first 4 octets; an IPv4-mapped IPv6 address (::ffff:192.0.2.1) is stored as IPv4.
struct address {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> octets{};
  std::uint16_t port = 0;

  [[nodiscard]] bool is_any() const noexcept { return octets == std::array<std::uint8_t, 16>{}; }
  auto operator<=>(const address&) const = default;
};

/// From the 4 or 16 octets of an address; other lengths give 0.0.0.0.
[[nodiscard]] address make_address(bytes_view octets, std::uint16_t port);

/// Parses the sockaddr_in or sockaddr_in6 that a program passes to the kernel; none for other families or if it is
/// too short.
[[nodiscard]] std::optional<address> parse_sockaddr(bytes_view octets);

/// `127.0.0.1:50000`, `[::1]:50000`.
[[nodiscard]] std::string to_string(const address& of);

/// Whether a socket bound to `local` receives packets for `destination`: same port, and same address or the wildcard.
[[nodiscard]] bool is_bound_for(const address& local, const address& destination) noexcept;

}  // namespace netlab::trace
