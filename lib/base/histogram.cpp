// SPDX-License-Identifier: MIT
#include "base/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace netlab {

std::size_t histogram::bucket_of(std::uint64_t value) noexcept {
  constexpr std::uint64_t linear_end = std::uint64_t{1} << precision_bits;
  if (value < linear_end) return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - precision_bits - 1;
  return (static_cast<std::size_t>(shift) << precision_bits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t histogram::end_of(std::size_t bucket) noexcept {
  constexpr std::size_t linear_end = std::size_t{1} << precision_bits;
  if (bucket < 2 * linear_end) return bucket;
  const auto shift = static_cast<unsigned>((bucket >> precision_bits) - 1);
  const std::uint64_t start = static_cast<std::uint64_t>(bucket - (std::size_t{shift} << precision_bits)) << shift;
  return start + ((std::uint64_t{1} << shift) - 1);
}

void histogram::record(duration sample, std::uint64_t count) noexcept {
  const auto value = static_cast<std::uint64_t>(std::max<duration::rep>(0, sample.count()));
  counts_[bucket_of(value)] += count;
  count_ += count;
  max_ = std::max(max_, duration(static_cast<duration::rep>(value)));
}

void histogram::merge(const histogram& other) noexcept {
  for (std::size_t at = 0; at < buckets; ++at) counts_[at] += other.counts_[at];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

duration histogram::percentile(double fraction) const noexcept {
  if (count_ == 0) return duration(0);
  const double wanted = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t at = 0; at < buckets; ++at) {
    seen += counts_[at];
    if (seen >= rank) return std::min(max_, duration(static_cast<duration::rep>(end_of(at))));
  }
  return max_;
}

}  // namespace netlab
