// SPDX-License-Identifier: MIT
// Latencies counted in buckets of at most 1.6 % width, so that percentiles need no list of samples.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace netlab {

class histogram {
 public:
  /// Negative samples count as 0.
  void record(duration sample) noexcept;
  void merge(const histogram& other) noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] duration max() const noexcept { return max_; }

  /// The least value that at least `fraction` (0 to 1) of the samples do not exceed, rounded up to its
  /// bucket's end, never above max(). 0 without samples.
  [[nodiscard]] duration percentile(double fraction) const noexcept;

 private:
  // A value's bucket is its highest bit and the 6 bits below it: 64 buckets for each power of two.
  static constexpr unsigned precision_bits = 6;
  static constexpr std::size_t buckets = (64 - precision_bits + 1) << precision_bits;

  static std::size_t bucket_of(std::uint64_t value) noexcept;
  static std::uint64_t end_of(std::size_t bucket) noexcept;

  // 30 KiB, so not on the stack, which may be small.
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(buckets);
  std::uint64_t count_ = 0;
  duration max_{0};
};

}  // namespace netlab
