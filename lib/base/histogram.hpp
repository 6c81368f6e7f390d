// SPDX-License-Identifier: MIT
// Latencies counted in buckets that are at most 1.6 % wide, so that percentiles need no list of samples.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace netlab {

class histogram {
 public:
  /// Counts `count` equal samples, at least one. Negative samples count as 0.
  void record(duration sample, std::uint64_t count = 1) noexcept;
  void merge(const histogram& other) noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] duration max() const noexcept { return max_; }

  /// The smallest value that at least `fraction` (0 to 1) of the samples do not exceed, rounded up to the end of its
  /// bucket, but never above max(). Without samples: 0.
  [[nodiscard]] duration percentile(double fraction) const noexcept;

 private:
  // A value's bucket is given by its highest bit and the 6 bits below it: 64 buckets for each power of two.
  static constexpr unsigned precision_bits = 6;
  static constexpr std::size_t buckets = (64 - precision_bits + 1) << precision_bits;

  static std::size_t bucket_of(std::uint64_t value) noexcept;
  static std::uint64_t end_of(std::size_t bucket) noexcept;

  // On the heap, because it takes 30 KiB and a stack may be small.
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(buckets);
  std::uint64_t count_ = 0;
  duration max_{0};
};

}  // namespace netlab
