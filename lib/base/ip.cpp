// SPDX-License-Identifier: MIT
#include "base/ip.hpp"

#include <arpa/inet.h>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab {

ip_address ip_address::v6(const std::array<std::uint8_t, 16>& octets, std::uint32_t scope) noexcept {
  ip_address made{.is_v6 = true, .scope = scope};
  for (unsigned at = 0; at < 8; ++at) {
    made.high = made.high << 8 | octets[at];
    made.low = made.low << 8 | octets[at + 8];
  }
  return made;
}

std::array<std::uint8_t, 16> ip_address::octets() const noexcept {
  std::array<std::uint8_t, 16> out{};
  if (!is_v6) {
    for (unsigned at = 0; at < 4; ++at) out[at] = static_cast<std::uint8_t>(low >> (24 - 8 * at));
    return out;
  }
  for (unsigned at = 0; at < 8; ++at) {
    out[at] = static_cast<std::uint8_t>(high >> (56 - 8 * at));
    out[at + 8] = static_cast<std::uint8_t>(low >> (56 - 8 * at));
  }
  return out;
}

ip_address ip_address::plus(std::uint64_t offset) const noexcept {
  ip_address sum = *this;
  sum.low += offset;
  if (sum.low < low) ++sum.high;
  return sum;
}

ip_address ip_address::previous() const noexcept {
  ip_address one = *this;
  if (one.low-- == 0) --one.high;
  return one;
}

bool ip_address::is_loopback() const noexcept { return is_v6 ? high == 0 && low == 1 : low >> 24 == 127; }

bool ip_address::is_unspecified() const noexcept { return high == 0 && low == 0; }

bool ip_address::is_multicast() const noexcept { return is_v6 ? high >> 56 == 0xff : low >> 28 == 0xe; }

bool ip_address::is_link_local() const noexcept { return is_v6 && high >> 54 == 0xfe80 >> 6; }

bool ip_address::is_v4_mapped() const noexcept { return is_v6 && high == 0 && low >> 32 == 0xffff; }

std::optional<ip_address> parse_ip(std::string_view text, interface_lookup find_interface) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::size_t percent = text.find('%');
  const std::string figures(text.substr(0, percent));
  std::uint32_t scope = 0;
  if (percent != std::string_view::npos) {
    const std::string interface(text.substr(percent + 1));
    const auto number = parse_integer<std::uint32_t>(interface);
    if (number)
      scope = *number;
    else if (find_interface != nullptr && !interface.empty())
      scope = find_interface(interface);
    if (scope == 0) return std::nullopt;
  }
  in_addr four{};
  if (percent == std::string_view::npos && ::inet_pton(AF_INET, figures.c_str(), &four) == 1)
    return ip_address::v4(ntohl(four.s_addr));
  in6_addr six{};
  if (::inet_pton(AF_INET6, figures.c_str(), &six) != 1) return std::nullopt;
  return ip_address::v6(std::to_array(six.s6_addr), scope);
}

std::string to_string(const ip_address& of) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto octets = of.octets();
  ::inet_ntop(of.is_v6 ? AF_INET6 : AF_INET, octets.data(), text.data(), static_cast<socklen_t>(text.size()));
  return of.scope == 0 ? std::string(text.data()) : fmt::format("{}%{}", text.data(), of.scope);
}

result<void> check_interface(const ip_address& address) {
  // ff02::/16 is link-local multicast.
  const bool is_of_a_link = address.is_link_local() || (address.is_v6 && address.high >> 48 == 0xff02);
  if (address.scope != 0 || !is_of_a_link) return {};
  const std::string text = to_string(address);
  return fail(errc::usage, fmt::format("'{}' is a link-local address and needs an interface", text),
              fmt::format("write {}%eth0", text));
}

ip_address as_reached(const ip_address& address) noexcept {
  ip_address reached = address;
  if (address.is_v4_mapped()) reached = ip_address::v4(static_cast<std::uint32_t>(address.low));
  // The interface matters for link-local and multicast addresses only.
  if (!reached.is_link_local() && !reached.is_multicast()) reached.scope = 0;
  if (!reached.is_unspecified()) return reached;
  return reached.is_v6 ? ip_address{.is_v6 = true, .low = 1} : ip_address::v4(INADDR_LOOPBACK);
}

}  // namespace netlab
