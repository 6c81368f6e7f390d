// SPDX-License-Identifier: MIT
// The clock for all deadlines, and durations and times as text.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace netlab {

/// Monotonic. Machines get time points as arguments and never read the clock.
using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using duration = std::chrono::nanoseconds;

/// Stands for "no deadline" where a time point is required.
inline constexpr time_point never = time_point::max();

/// The earlier of a deadline and an optional one.
[[nodiscard]] constexpr time_point earlier(time_point one, std::optional<time_point> other) noexcept {
  return other && *other < one ? *other : one;
}

/// `250ms`, `2s`, `1m`, `1h`, `1.5`; also `us`. A number without a unit means seconds. Not negative, at most 1000 h.
/// Fails with errc::usage.
[[nodiscard]] result<duration> parse_duration(std::string_view text);

/// Three digits and a unit: `85 µs`, `1.25 ms`, `2 s`.
[[nodiscard]] std::string to_string(duration span);

/// `2026-11-30T10:38:59.123Z` (RFC 3339, UTC).
[[nodiscard]] std::string to_timestamp(std::chrono::sys_time<std::chrono::milliseconds> at);

/// How far this machine's time zone is ahead of UTC at that time (localtime_r(3)).
[[nodiscard]] std::chrono::minutes local_utc_offset(std::chrono::sys_seconds at);

}  // namespace netlab
