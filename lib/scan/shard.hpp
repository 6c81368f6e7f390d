// SPDX-License-Identifier: MIT
// One of several equal parts of a scan, or of any numbered sequence.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace netlab::scan {

/// One of `count` parts of a scan; `index` counts from 1. A part has every `count`-th of the places 0, 1, …: each place
/// is in exactly one part, and the sizes of two parts differ by at most 1.
struct shard {
  std::uint32_t index = 1;
  std::uint32_t count = 1;  ///< 1: everything

  /// The number of places below `all` in the part.
  [[nodiscard]] constexpr std::uint64_t size_of(std::uint64_t all) const noexcept {
    return all / count + (all % count >= index ? 1 : 0);
  }
  /// The place at position `local` (from 0) of the part.
  [[nodiscard]] constexpr std::uint64_t place(std::uint64_t local) const noexcept { return local * count + index - 1; }
  [[nodiscard]] constexpr bool has(std::uint64_t place) const noexcept { return place % count == index - 1; }
  /// The inverse of place(), for a place of the part.
  [[nodiscard]] constexpr std::uint64_t local(std::uint64_t place) const noexcept { return place / count; }

  friend constexpr bool operator==(const shard&, const shard&) = default;
};

/// More than any cluster has tasks; Slurm's default for an array is 1001.
inline constexpr std::uint32_t max_shards = 1'000'000;

/// Parses `3/8`. Fails with errc::usage and a hint; `0/8` is named as such, because an array of tasks may begin at 0.
[[nodiscard]] result<shard> parse_shard(std::string_view text);

/// `3/8`.
[[nodiscard]] std::string to_string(const shard& part);

}  // namespace netlab::scan
