// SPDX-License-Identifier: MIT
#include "trace/address.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include <fmt/format.h>

namespace netlab::trace {
namespace {

// AF_INET and AF_INET6 on Linux, defined here to avoid a socket header.
constexpr std::uint16_t family_ipv4 = 2;
constexpr std::uint16_t family_ipv6 = 10;
constexpr std::size_t ipv4_size = 16;  // sockaddr_in
constexpr std::size_t ipv6_size = 28;  // sockaddr_in6

std::uint16_t load_port(bytes_view from) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(from[0]) << 8 | std::to_integer<unsigned>(from[1]));
}

bool is_mapped(bytes_view octets) {
  constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::ranges::equal(octets.first(prefix.size()), prefix, [](std::byte one, std::uint8_t other) {
    return std::to_integer<std::uint8_t>(one) == other;
  });
}

}  // namespace

address make_address(bytes_view octets, std::uint16_t port) {
  address made{.port = port};
  if (octets.size() == 16 && is_mapped(octets)) octets = octets.last(4);
  if (octets.size() != 4 && octets.size() != 16) return made;
  made.is_v6 = octets.size() == 16;
  std::ranges::transform(octets, made.octets.begin(),
                         [](std::byte each) { return std::to_integer<std::uint8_t>(each); });
  return made;
}

std::optional<address> parse_sockaddr(bytes_view octets) {
  if (octets.size() < 2) return std::nullopt;
  std::uint16_t family = 0;
  std::memcpy(&family, octets.data(), sizeof family);
  if (family == family_ipv4 && octets.size() >= ipv4_size)
    return make_address(octets.subspan(4, 4), load_port(octets.subspan(2)));
  if (family == family_ipv6 && octets.size() >= ipv6_size - 4)  // sin6_scope_id may be missing, as in RFC 2133
    return make_address(octets.subspan(8, 16), load_port(octets.subspan(2)));
  return std::nullopt;
}

std::string to_string(const address& of) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(of.is_v6 ? family_ipv6 : family_ipv4, of.octets.data(), text.data(), text.size());
  return fmt::format(fmt::runtime(of.is_v6 ? "[{}]:{}" : "{}:{}"), text.data(), of.port);
}

bool is_bound_for(const address& local, const address& destination) noexcept {
  if (local.port != destination.port) return false;
  return local.is_any() || (local.is_v6 == destination.is_v6 && local.octets == destination.octets);
}

}  // namespace netlab::trace
