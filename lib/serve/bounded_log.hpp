// SPDX-License-Identifier: MIT
// A rate-limited log, for lines that peers cause.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "base/token_bucket.hpp"

namespace netlab::serve {

/// May be used from any thread. Lines above the rate are only counted; a line with their number comes before the next
/// one that is shown.
class bounded_log {
 public:
  /// Called with a complete line without its line end, one call at a time, from any thread.
  using line_function = std::function<void(const std::string&)>;

  /// `prefix`: the start of the line that reports how many lines were not shown.
  bounded_log(line_function write, double lines_per_second, double burst, std::string prefix = {});

  /// Calls `make()` for the line only if it will be shown, so that a flood of lines costs neither locks nor formatting.
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

  /// Not rate-limited.
  void tell_all(const std::string& line);

  /// Reports lines not shown since the last report, if there are any.
  void finish();

 private:
  void write_unshown();

  line_function write_;
  std::string prefix_;
  duration silence_;  // time until the next token
  std::atomic<std::uint64_t> unshown_{0};
  std::atomic<duration::rep> silent_until_{0};
  std::mutex mutex_;
  token_bucket rate_;
};

}  // namespace netlab::serve
