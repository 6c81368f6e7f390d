// SPDX-License-Identifier: MIT
// How many answers a source of datagrams gets. Whoever forges one's address there can make us send to that address;
// this bounds what.
#pragma once

#include <cstdint>
#include <vector>

#include "base/token_bucket.hpp"

namespace netlab::small {

/// Sources share a fixed number of places, by their hash; two that meet in one share what one alone would get.
class reply_limit {
 public:
  /// `seed`: nobody else's business, so that nobody can look for sources that meet.
  reply_limit(double per_second, double burst, std::uint64_t seed, time_point now)
      : seed_(seed), places_(place_count, token_bucket(per_second, burst, now)) {}

  /// Whether one more is allowed. `source`: its address, as a number.
  [[nodiscard]] bool take(std::uint64_t source, time_point now) {
    return places_[mix(source ^ seed_) % place_count].take(now);
  }

 private:
  static constexpr std::size_t place_count = 1024;

  // Every bit of the input reaches every bit of the result: multiplications by odd constants, folded between.
  static std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 32U)) * 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 29U)) * 0xd1342543de82ef95U;
    return value ^ (value >> 32U);
  }

  std::uint64_t seed_;
  std::vector<token_bucket> places_;
};

}  // namespace netlab::small
