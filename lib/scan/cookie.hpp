// SPDX-License-Identifier: MIT
// The cookie of a stateless probe: a keyed hash of its flow, by which answers are recognised. A SYN carries all 32 bits
// of it in its sequence number, a datagram 10 bits in its local port. SipHash-2-4 (Aumasson and Bernstein, 2012), as
// Linux uses for its own sequence numbers.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "base/ip.hpp"

namespace netlab::scan {

struct siphash_key {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

/// SipHash-2-4 of whole 64-bit words, each taken as eight octets in little-endian order.
[[nodiscard]] constexpr std::uint64_t siphash(const siphash_key& key, std::span<const std::uint64_t> words) noexcept {
  std::uint64_t v0 = key.first ^ 0x736f6d6570736575;
  std::uint64_t v1 = key.second ^ 0x646f72616e646f6d;
  std::uint64_t v2 = key.first ^ 0x6c7967656e657261;
  std::uint64_t v3 = key.second ^ 0x7465646279746573;
  const auto round = [&] {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  };
  const auto absorb = [&](std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  };
  for (const std::uint64_t word : words) absorb(word);
  absorb(static_cast<std::uint64_t>(words.size() * 8) << 56);
  v2 ^= 0xff;
  for (int count = 0; count < 4; ++count) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

/// The cookie of this flow; it cannot be computed without the key. The interface of a link-local address does not
/// matter.
[[nodiscard]] inline std::uint32_t flow_cookie(const siphash_key& key, const ip_address& from, std::uint16_t from_port,
                                               const ip_address& to, std::uint16_t to_port) noexcept {
  const std::uint64_t ports = std::uint64_t{from_port} << 16 | to_port;
  if (!to.is_v6) {
    const std::array<std::uint64_t, 2> words{from.low << 32 | to.low, ports};
    return static_cast<std::uint32_t>(siphash(key, words));
  }
  const std::array<std::uint64_t, 5> words{from.high, from.low, to.high, to.low, ports};
  return static_cast<std::uint32_t>(siphash(key, words));
}

}  // namespace netlab::scan
