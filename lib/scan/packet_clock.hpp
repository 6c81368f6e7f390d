// SPDX-License-Identifier: MIT
// When a packet arrived, by the steady clock.
#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace netlab::scan {

/// Converts the kernel's times of packets. They are of the wall clock, which goes on while the machine is suspended and
/// which may be set; the steady clock does neither.
class packet_clock {
 public:
  /// `longest_delay`: from a packet's arrival until the kernel hands it over to a process that waits for it.
  explicit packet_clock(duration longest_delay) : longest_delay_(longest_delay) {}

  /// What both clocks show now (`wall_now`: since 1970). Call it before at(), whenever packets are taken.
  void update(time_point now, duration wall_now) noexcept {
    if (now_ != never) {
      const duration passed = now - now_;
      jump_ = wall_now - wall_now_ - passed;
      oldest_ = passed + longest_delay_;
    }
    now_ = now;
    wall_now_ = wall_now;
  }

  /// When a packet arrived that the kernel handed over between the last two updates.
  [[nodiscard]] time_point at(duration wall_time) const noexcept {
    duration age = wall_now_ - wall_time;
    if (age < duration(0) || age > oldest_) age -= jump_;  // it arrived before the clocks went apart
    return now_ - std::clamp(age, duration(0), oldest_);
  }

 private:
  duration longest_delay_;
  time_point now_ = never;
  duration wall_now_{};
  duration jump_{};  // by which the wall clock went further than the steady one, between the last two updates
  duration oldest_ = std::chrono::minutes(1);
};

}  // namespace netlab::scan
