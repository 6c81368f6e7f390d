// SPDX-License-Identifier: MIT
// The time of day in the formats of daytime and time. The time is an argument.
#pragma once

#include <chrono>
#include <string>

#include "base/bytes.hpp"

namespace netlab::simple {

/// Since 1970, in UTC, without leap seconds.
using wall_time = std::chrono::sys_seconds;

/// RFC 867's first form, `Weekday, Month Day, Year Time-Zone`, in UTC with a line end: `Sunday, November 22, 2026
/// 23:42:18-UTC`. At most 48 octets (four-digit years).
[[nodiscard]] std::string daytime_line(wall_time now);

/// RFC 868: seconds since 1900 in UTC, 32 bits in network byte order. They wrap around in February 2036.
[[nodiscard]] bytes time_octets(wall_time now);

}  // namespace netlab::simple
