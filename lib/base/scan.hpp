// SPDX-License-Identifier: MIT
// Finds the first octet of some kind in a text, sixteen octets at a time.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace netlab {

/// The number of octets before the first one that matches; the size of the text if none does. `matches` is called with
/// one `unsigned char` and with a vector of sixteen, so it may only compare and combine with `|`:
///
///     length_before(text, [](auto octet) { return (octet < 0x20) | (octet == '"'); })
template <class Matches>
[[nodiscard]] std::size_t length_before(std::string_view text, Matches matches) noexcept {
  using vector [[gnu::vector_size(16)]] = unsigned char;
  std::size_t at = 0;
  for (; at + sizeof(vector) <= text.size(); at += sizeof(vector)) {
    vector octets;
    std::memcpy(&octets, text.data() + at, sizeof octets);
    const auto found = std::bit_cast<std::array<std::uint64_t, 2>>(matches(octets));
    if ((found[0] | found[1]) == 0) continue;
    const std::uint64_t half = found[0] != 0 ? found[0] : found[1];
    const int bits = std::endian::native == std::endian::little ? std::countr_zero(half) : std::countl_zero(half);
    return at + (found[0] != 0 ? 0 : 8) + static_cast<std::size_t>(bits) / 8;
  }
  while (at < text.size() && !matches(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

}  // namespace netlab
