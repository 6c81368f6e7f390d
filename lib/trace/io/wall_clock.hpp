// SPDX-License-Identifier: MIT
// The clock that the kernel uses for packet timestamps.
#pragma once

#include <time.h>

#include "trace/packets.hpp"

namespace netlab::trace {

[[nodiscard]] inline wall_time read_wall_clock() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace netlab::trace
