// SPDX-License-Identifier: MIT
// A rate limit that allows bursts.
#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace netlab {

/// Holds up to `burst` tokens and gains `per_second` tokens each second; starts full.
class token_bucket {
 public:
  token_bucket(double per_second, double burst, time_point now)
      : per_second_(per_second), burst_(burst), tokens_(burst), last_(now) {}

  /// Takes a token; false if there is none.
  [[nodiscard]] bool take(time_point now) {
    const double elapsed = std::chrono::duration<double>(now - last_).count();
    tokens_ = std::min(burst_, tokens_ + std::max(0.0, elapsed) * per_second_);
    last_ = std::max(last_, now);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double per_second_;
  double burst_;
  double tokens_;
  time_point last_;
};

}  // namespace netlab
