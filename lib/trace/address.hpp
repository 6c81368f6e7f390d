// SPDX-License-Identifier: MIT
// The end of a connection as it stands in a packet and in a sockaddr.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace netlab::trace {

/// An IPv4 address takes the first 4 octets; one that is mapped into IPv6 (::ffff:192.0.2.1) is kept as IPv4.
struct address {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> octets{};
  std::uint16_t port = 0;

  [[nodiscard]] bool is_any() const noexcept { return octets == std::array<std::uint8_t, 16>{}; }
  auto operator<=>(const address&) const = default;
};

/// From 4 or 16 octets of an address; other lengths give 0.0.0.0.
[[nodiscard]] address make_address(bytes_view octets, std::uint16_t port);

/// A sockaddr_in or sockaddr_in6 as a program hands it to the system; nothing for other families or a short one.
[[nodiscard]] std::optional<address> parse_sockaddr(bytes_view octets);

/// `127.0.0.1:50000`, `[::1]:50000`.
[[nodiscard]] std::string to_string(const address& what);

/// Whether a socket bound to `local` receives what is sent to `destination`: the same port, and the same address or the
/// wildcard.
[[nodiscard]] bool is_bound_for(const address& local, const address& destination) noexcept;

}  // namespace netlab::trace
