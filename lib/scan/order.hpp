// SPDX-License-Identifier: MIT
// A random order without a stored list.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>

#include "scan/scramble.hpp"

namespace netlab::scan {

/// A permutation of 0 … size-1 chosen by the seed: a Feistel network over the next even number of bits, repeated
/// until the result is below size (cycle walking, at most four steps on average). Nothing is stored.
class permutation {
 public:
  /// `size`: up to 2^62.
  permutation(std::uint64_t size, std::uint64_t seed) noexcept : size_(size) {
    assert(size <= std::uint64_t{1} << 62);
    const auto bits = static_cast<unsigned>(std::bit_width(size < 2 ? 1 : size - 1));
    half_ = (bits + 1) / 2;
    mask_ = (std::uint64_t{1} << half_) - 1;
    for (std::uint64_t& key : keys_) key = scramble(seed += golden);
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// The element at `place`, which must be below size().
  [[nodiscard]] std::uint64_t operator()(std::uint64_t place) const noexcept {
    assert(place < size_);
    do place = once(place);
    while (place >= size_);
    return place;
  }

  /// The inverse: the place of an element, which must be below size().
  [[nodiscard]] std::uint64_t place_of(std::uint64_t element) const noexcept {
    assert(element < size_);
    do element = once_back(element);
    while (element >= size_);
    return element;
  }

 private:
  static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;  // the step of SplitMix64 (Steele et al., 2014)

  [[nodiscard]] std::uint64_t once(std::uint64_t value) const noexcept {
    std::uint64_t left = value >> half_;
    std::uint64_t right = value & mask_;
    for (const std::uint64_t key : keys_) {
      const std::uint64_t next = left ^ (scramble(right ^ key) & mask_);
      left = right;
      right = next;
    }
    return left << half_ | right;
  }

  [[nodiscard]] std::uint64_t once_back(std::uint64_t value) const noexcept {
    std::uint64_t left = value >> half_;
    std::uint64_t right = value & mask_;
    for (auto key = keys_.rbegin(); key != keys_.rend(); ++key) {
      const std::uint64_t before = right ^ (scramble(left ^ *key) & mask_);
      right = left;
      left = before;
    }
    return left << half_ | right;
  }

  std::uint64_t size_;
  unsigned half_;
  std::uint64_t mask_;
  std::array<std::uint64_t, 6> keys_{};  // four rounds look random; six cost little and help tiny sizes
};

}  // namespace netlab::scan
