// SPDX-License-Identifier: MIT
// Random octets that nobody can predict: for nonces, Message-IDs, seeds and names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace netlab {

/// Fills it from OpenSSL's generator, which the system seeds. Any thread may call it; a process that forks does so
/// before its first call. Throws std::runtime_error where the generator has failed, so that nobody goes on with octets
/// that are not random.
void fill_random(std::span<std::byte> to);

template <std::size_t Size>
[[nodiscard]] std::array<std::byte, Size> random_octets() {
  std::array<std::byte, Size> octets{};
  fill_random(octets);
  return octets;
}

/// Any number of 64 bits: the seed of a generator that can be repeated.
[[nodiscard]] std::uint64_t random_number();

}  // namespace netlab
