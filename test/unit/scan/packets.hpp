// SPDX-License-Identifier: MIT
// Packets that answer probes, made from the probes.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ip.hpp"

namespace netlab::test {

inline ip_address ip(std::string_view text) { return *parse_ip(text); }

inline void set_octet(bytes& of, std::size_t at, unsigned value) { of[at] = static_cast<std::byte>(value); }

/// The packet back to its sender: addresses and ports exchanged.
inline bytes returned(const bytes& packet) {
  const bool is_v6 = std::to_integer<unsigned>(packet[0]) >> 4 == 6;
  const std::size_t header = is_v6 ? 40 : 20;
  const std::size_t size = is_v6 ? 16 : 4;
  const std::size_t from = is_v6 ? 8 : 12;
  bytes made = packet;
  std::memcpy(made.data() + from, packet.data() + from + size, size);
  std::memcpy(made.data() + from + size, packet.data() + from, size);
  std::memcpy(made.data() + header, packet.data() + header + 2, 2);
  std::memcpy(made.data() + header + 2, packet.data() + header, 2);
  return made;
}

/// A router's ICMP message about the packet, and quotes its first `quoted` octets.
inline bytes icmp_about(const bytes& packet, unsigned type, unsigned code, std::size_t quoted) {
  const bool is_v6 = std::to_integer<unsigned>(packet[0]) >> 4 == 6;
  bytes made(is_v6 ? 40 : 20);
  const std::size_t length = 8 + quoted;
  if (is_v6) {
    set_octet(made, 0, 0x60);
    set_octet(made, 5, static_cast<unsigned>(length));
    set_octet(made, 6, 58);
    const auto router = ip("2001:db8::9").octets();
    std::memcpy(made.data() + 8, router.data(), 16);
  } else {
    set_octet(made, 0, 0x45);
    set_octet(made, 3, static_cast<unsigned>(20 + length));
    set_octet(made, 9, 1);
    const auto router = ip("192.0.2.9").octets();
    std::memcpy(made.data() + 12, router.data(), 4);
  }
  const std::size_t header = made.size();
  made.resize(header + 8);
  set_octet(made, header, type);
  set_octet(made, header + 1, code);
  append(made, bytes_view(packet).first(quoted));
  return made;
}

}  // namespace netlab::test
