// SPDX-License-Identifier: MIT
// What is known about the path to each target: round-trip times, last answers, lost controls. No socket, no clock.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "scan/pace.hpp"

namespace netlab::scan {

struct path {
  rtt_estimator rtt;
  time_point last_answered_sent = time_point::min();  ///< when the latest answered probe was sent
  time_point last_answer = time_point::min();
  unsigned backoff = 0;        ///< consecutive lost controls: each doubles the timeout
  std::uint64_t control = none;  ///< a port known to refuse connections
  unsigned missing = 0;        ///< controls unanswered since the last answer; lost if a later probe is answered
  time_point last_missing = time_point::min();  ///< when the latest of them was sent
  unsigned probes_since_control = 0;  ///< probes sent since the last control whose silence needs confirmation

  static constexpr std::uint64_t none = ~std::uint64_t{0};
};

/// A path for each target. With many targets, only those that have answered get one, and only as many as memory
/// allows.
class path_table {
 public:
  path_table(std::uint64_t targets, const path& initial)
      : initial_(initial), rest_(initial), few_(targets <= max_few ? targets : 0, initial) {}

  [[nodiscard]] const path& of(std::uint64_t target) const {
    if (!few_.empty()) return few_[target];
    const auto at = many_.find(target);
    return at != many_.end() ? at->second : initial_;
  }
  /// The path of a target that has answered, for changing it.
  [[nodiscard]] path& entry(std::uint64_t target) {
    if (!few_.empty()) return few_[target];
    if (const auto at = many_.find(target); at != many_.end()) return at->second;
    if (many_.size() < max_many) return many_.emplace(target, initial_).first->second;
    rest_ = initial_;
    return rest_;
  }

 private:
  static constexpr std::uint64_t max_few = 4096;
  static constexpr std::size_t max_many = 1 << 18;  // 40 MB
  path initial_;
  path rest_;  // scratch space for a target without an entry
  std::vector<path> few_;
  std::unordered_map<std::uint64_t, path> many_;
};

}  // namespace netlab::scan
