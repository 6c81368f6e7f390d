// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace netlab::scan {

/// A permutation of all 64-bit numbers in which each bit depends on each: SplitMix64's finalizer (Steele et al., 2014).
[[nodiscard]] constexpr std::uint64_t scramble(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace netlab::scan
