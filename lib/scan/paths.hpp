// SPDX-License-Identifier: MIT
// What is known of the way to each target: the round trip, and when it was heard of. No socket, no clock.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "scan/pace.hpp"

namespace netlab::scan {

struct path {
  rtt_estimator rtt;
  time_point last_heard_of = time_point::min();  ///< when the latest of the answered probes was sent
  time_point last_heard = time_point::min();
  unsigned backoff = 0;        ///< controls lost in a row: patience doubles
  std::uint64_t control = none;  ///< an item that refuses connections
  unsigned missing = 0;        ///< controls not answered since a probe was; lost if a later one is
  time_point last_missing = time_point::min();  ///< when the latest of them was sent
  unsigned unaccompanied = 0;  ///< probes that silence is to be believed of, since a control

  static constexpr std::uint64_t none = ~std::uint64_t{0};
};

/// A path a target. Where there are many targets, only those that were heard have one of their own, and of those no
/// more than memory has room for.
class path_table {
 public:
  path_table(std::uint64_t targets, const path& unheard)
      : unheard_(unheard), rest_(unheard), few_(targets <= max_few ? targets : 0, unheard) {}

  [[nodiscard]] const path& of(std::uint64_t target) const {
    if (!few_.empty()) return few_[target];
    const auto at = many_.find(target);
    return at != many_.end() ? at->second : unheard_;
  }
  /// The same, to be changed: it was heard.
  [[nodiscard]] path& heard(std::uint64_t target) {
    if (!few_.empty()) return few_[target];
    if (const auto at = many_.find(target); at != many_.end()) return at->second;
    if (many_.size() < max_many) return many_.emplace(target, unheard_).first->second;
    rest_ = unheard_;
    return rest_;
  }

 private:
  static constexpr std::uint64_t max_few = 4096;
  static constexpr std::size_t max_many = 1 << 18;  // 40 MB
  path unheard_;
  path rest_;  // of one without a place, forgotten at once
  std::vector<path> few_;
  std::unordered_map<std::uint64_t, path> many_;
};

}  // namespace netlab::scan
