// SPDX-License-Identifier: MIT
// A log that peers cause lines in, and cannot fill.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "base/token_bucket.hpp"

namespace netlab::net {

/// From any thread. What comes too often is counted, and the next line that is shown says before it how many were not.
class bounded_log {
 public:
  /// Called with whole lines without their ends, one call at a time, from any thread.
  using line_function = std::function<void(const std::string&)>;

  /// `prefix` stands before the line that says how many were not shown.
  bounded_log(line_function write, double lines_per_second, double burst, std::string prefix = {});

  /// `make()` gives the line, if it is shown: a flood costs neither a lock nor the making of its lines.
  template <class Make>
  void tell(time_point now, Make make) {
    if (now.time_since_epoch().count() < silent_until_.load(std::memory_order_relaxed)) {
      unshown_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    const std::lock_guard lock(mutex_);
    if (!rate_.take(now)) {
      unshown_.fetch_add(1, std::memory_order_relaxed);
      silent_until_.store((now + silence_).time_since_epoch().count(), std::memory_order_relaxed);
      return;
    }
    write_unshown();
    write_(make());
  }

  /// However many there are.
  void tell_all(const std::string& line);

  /// Says how many lines were not shown, if there are any left to be told of.
  void finish();

 private:
  void write_unshown();

  line_function write_;
  std::string prefix_;
  duration silence_;  // in which a token comes
  std::atomic<std::uint64_t> unshown_{0};
  std::atomic<duration::rep> silent_until_{0};
  std::mutex mutex_;
  token_bucket rate_;
};

}  // namespace netlab::net
