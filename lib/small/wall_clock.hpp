// SPDX-License-Identifier: MIT
// The time of day as daytime and time say it. Which time it is, is an argument.
#pragma once

#include <chrono>
#include <string>

#include "base/bytes.hpp"

namespace netlab::small {

/// Since 1970, in UTC, without leap seconds.
using wall_time = std::chrono::sys_seconds;

/// RFC 867's first form, `Weekday, Month Day, Year Time-Zone`, in UTC and with a line's end:
/// `Sunday, November 22, 2026 23:42:18-UTC`. 48 octets at most (years of four digits).
[[nodiscard]] std::string daytime_line(wall_time now);

/// RFC 868: seconds since 1900 in UTC, 32 bits in network order. They begin again at 0 in February of 2036.
[[nodiscard]] bytes time_octets(wall_time now);

}  // namespace netlab::small
