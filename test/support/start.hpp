// SPDX-License-Identifier: MIT
// The time at which a machine of a test begins.
#pragma once

#include <chrono>

#include "base/time.hpp"

namespace netlab::test {

/// Not the clock's zero, for which a time point that nobody set would be taken.
inline constexpr time_point start{std::chrono::hours(1)};

}  // namespace netlab::test
