// SPDX-License-Identifier: MIT
// Finds the pace for a target that limits its answers per second, however few probes are in flight. Time is an
// argument.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace netlab::scan {

/// Does nothing until more controls are lost than answered: then either the target limits its answers, or the path
/// loses most packets. A test distinguishes them by sending single controls after pauses: a rate limit lets them
/// through, a lossy path does not. Under a limit the pace becomes the rate of the answers, then is adjusted so that
/// few controls are lost. On a lossy path no pace helps, so none is set.
class crawl {
 public:
  explicit crawl(time_point now) : began_(now) {}

  /// A port was answered.
  void answered(time_point now) {
    ++answers_;
    end_round(now);
  }
  /// A control that was sent at `sent` was answered.
  void control_answered(time_point sent, time_point now) {
    if (state_ == state::testing) return end_test_step(sent, true, now);
    if (sent < changed_) return;
    ++answers_;
    ++kept_;
    end_round(now);
  }
  /// A control was not answered. `is_certain`: a later probe was answered; else the target may only be pausing.
  void control_lost(time_point sent, bool is_certain, time_point now) {
    if (state_ == state::testing) return end_test_step(sent, false, now);
    if (!is_certain || sent < changed_) return;
    ++lost_;
    end_round(now);
  }

  /// True during the test: only controls may be sent.
  [[nodiscard]] bool is_testing() const noexcept { return state_ == state::testing; }
  /// A rate limit was found and is obeyed.
  [[nodiscard]] bool is_slow() const noexcept { return state_ == state::slow; }
  /// There is no limit, but most packets are lost.
  [[nodiscard]] bool is_lossy() const noexcept { return state_ == state::lossy; }
  /// When the next probe may be sent; in the past if at once, `never` while a test's control is in flight.
  [[nodiscard]] time_point next() const noexcept { return is_waiting_ ? never : next_; }
  void take(time_point now) {
    ++sent_;
    if (state_ == state::testing) {
      is_waiting_ = true;
      test_sent_ = now;
      next_ = now + rest;
    } else if (gap_ > duration(0)) {
      next_ = std::max(next_, now - max_lag) + gap_;
    }
  }
  /// The test's control could not be sent.
  void give_back(time_point now) {
    is_waiting_ = false;
    next_ = std::max(next_, now + rest);
  }
  /// When the pace was last changed; losses before it do not count.
  [[nodiscard]] time_point changed() const noexcept { return changed_; }

 private:
  enum class state { free, testing, slow, lossy };

  static constexpr duration round = std::chrono::seconds(1);
  static constexpr duration short_round = std::chrono::milliseconds(100);  // with many losses
  static constexpr duration max_lag = std::chrono::milliseconds(10);  // delays of this process that it makes up for
  static constexpr duration rest = std::chrono::milliseconds(500);  // finds limits down to two answers a second
  static constexpr unsigned many = 8;
  static constexpr unsigned tests = 6;
  static constexpr unsigned least_tests_kept = 5;
  static constexpr unsigned most_slowings = 4;  // then the test is repeated
  static constexpr unsigned clean_to_rise = 5;  // rounds without a loss before the ceiling rises
  static constexpr double tolerance = 0.15;  // share of controls that may be lost: radio links lose some
  static constexpr double least = 1;  // per second

  [[nodiscard]] bool is_overrun() const noexcept { return lost_ >= many && lost_ > kept_; }

  void begin_round(time_point now) {
    began_ = now;
    answers_ = sent_ = 0;
    kept_ = lost_ = 0;
  }
  void end_round(time_point now) {
    if (state_ == state::lossy || state_ == state::testing) return;
    const duration took = now - began_;
    if (took < (is_overrun() ? short_round : round)) return;
    const double seconds = std::chrono::duration<double>(took).count();
    if (is_overrun() && (state_ == state::free || ++slowings_ % most_slowings == 0)) {
      answers_a_second_ = std::max(answers_, sent_ / 8) / seconds;
      state_ = state::testing;
      next_ = now + rest;
    } else if (is_overrun()) {
      slow_down(std::max(answers_, sent_ / 8) / seconds, now);
    } else if (gap_ > duration(0) && kept_ > 0) {
      const double pace = 1e9 / static_cast<double>(gap_.count());
      if (lost_ == 0) {
        if (pace * 1.25 > ceiling_ && ++clean_ % clean_to_rise == 0) ceiling_ *= 1.25;
        set(std::min(pace * 1.25, ceiling_));
      }
      if (lost_ > tolerance * (lost_ + kept_)) slow_down(pace * 0.8, now);
    } else if (gap_ > duration(0)) {
      return;  // too few controls for a conclusion
    }
    begin_round(now);
  }
  void end_test_step(time_point sent, bool is_kept, time_point now) {
    if (!is_waiting_ || sent < test_sent_) return;  // sent before the test
    is_waiting_ = false;
    ++(is_kept ? kept_ : lost_);
    if (kept_ + lost_ < tests) return;
    if (kept_ >= least_tests_kept) {
      slow_down(answers_a_second_, now);
    } else {
      state_ = state::lossy;
      gap_ = duration(0);
      next_ = now;
    }
    begin_round(now);
  }
  void slow_down(double per_second, time_point now) {
    if (state_ == state::slow) ceiling_ = 0.9e9 / static_cast<double>(gap_.count());
    state_ = state::slow;
    changed_ = now;
    set(per_second);
  }
  void set(double per_second) { gap_ = duration(static_cast<std::int64_t>(1e9 / std::max(per_second, least))); }

  state state_ = state::free;
  time_point began_;
  time_point next_ = time_point::min();
  time_point test_sent_ = time_point::min();
  time_point changed_ = time_point::min();
  duration gap_{};
  bool is_waiting_ = false;
  double ceiling_ = 1e9;  // slightly below the last pace that was too fast
  double answers_a_second_ = 0;
  double answers_ = 0;
  double sent_ = 0;
  unsigned slowings_ = 0;
  unsigned clean_ = 0;
  unsigned kept_ = 0;  // controls answered
  unsigned lost_ = 0;
};

}  // namespace netlab::scan
