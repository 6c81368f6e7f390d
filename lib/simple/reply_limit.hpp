// SPDX-License-Identifier: MIT
// Limits the UDP replies per source address: an attacker who forges a source address makes us send replies to a victim.
#pragma once

#include <cstdint>
#include <vector>

#include "base/token_bucket.hpp"

namespace netlab::simple {

/// Sources are hashed to a fixed number of buckets; two sources with the same bucket share its limit.
class reply_limit {
 public:
  /// `seed`: secret, so that nobody can find sources that share a bucket.
  reply_limit(double per_second, double burst, std::uint64_t seed, time_point now)
      : seed_(seed), buckets_(bucket_count, token_bucket(per_second, burst, now)) {}

  /// Returns true if one more reply is allowed. `source`: the address as a number.
  [[nodiscard]] bool take(std::uint64_t source, time_point now) {
    return buckets_[mix(source ^ seed_) % bucket_count].take(now);
  }

 private:
  static constexpr std::size_t bucket_count = 1024;

  // Every input bit affects every bit of the result: multiplications by odd constants, with folding in between.
  static std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 32U)) * 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 29U)) * 0xd1342543de82ef95U;
    return value ^ (value >> 32U);
  }

  std::uint64_t seed_;
  std::vector<token_bucket> buckets_;
};

}  // namespace netlab::simple
