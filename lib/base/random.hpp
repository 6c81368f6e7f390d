// SPDX-License-Identifier: MIT
// Unpredictable random octets for nonces, Message-IDs, seeds and names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace netlab {

/// Fills `to` from OpenSSL's generator, which the system seeds. Any thread may call it. A process that forks must do so
/// before the first call. Throws std::runtime_error if the generator fails, so that no caller continues with
/// predictable octets.
void fill_random(std::span<std::byte> to);

template <std::size_t Size>
[[nodiscard]] std::array<std::byte, Size> random_octets() {
  std::array<std::byte, Size> octets{};
  fill_random(octets);
  return octets;
}

/// A random 64-bit number: the seed of a repeatable generator.
[[nodiscard]] std::uint64_t random_number();

}  // namespace netlab
