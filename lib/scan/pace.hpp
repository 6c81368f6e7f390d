// SPDX-License-Identifier: MIT
// Rate and timing of probes: a rate limit, a congestion window, and timeouts from measured round trips. Time is an
// argument.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace netlab::scan {

/// A rate limit: in any period of length t at most rate × t + burst packets.
class rate_limit {
 public:
  /// 0: no limit. A burst makes up for delays of the loop and is at most 10 ms worth of packets.
  rate_limit(double per_second, time_point now)
      : gap_(per_second > 0 ? static_cast<std::int64_t>(std::ceil(1e9 / per_second)) : 0),
        slack_(std::min<duration>(std::chrono::milliseconds(10), gap_ * max_burst)),
        next_(now) {}

  /// Takes places for `packets` packets, if one is free now; those sent later are counted at once.
  [[nodiscard]] bool take(time_point now, unsigned packets = 1) {
    if (gap_ == duration(0)) return true;
    next_ = std::max(next_, now - slack_);
    if (next_ > now) return false;
    next_ += gap_ * packets;
    return true;
  }
  /// Takes a place even if none is free: for a probe that must not wait. The next one waits longer.
  void charge() { next_ += gap_; }
  /// When take() will succeed; in the past if it would now.
  [[nodiscard]] time_point next() const noexcept { return gap_ == duration(0) ? time_point::min() : next_; }

 private:
  static constexpr std::int64_t max_burst = 64;
  duration gap_;
  duration slack_;
  time_point next_;
};

/// Detects that this process stood still: the machine was suspended, its virtual machine was stopped, or the process
/// was. Its clock goes on, but no time was spent waiting for answers.
class stall_detector {
 public:
  static constexpr duration limit = std::chrono::seconds(1);
  /// How often one wait may begin again: a machine that is always so busy that it looks suspended comes to an end, too.
  static constexpr unsigned max_restarts = 8;

  /// To be called regularly. True: the call before was more than `limit` ago. The first call returns false.
  [[nodiscard]] bool has_stalled(time_point now) noexcept {
    const bool is_late = now > late_after_;
    late_after_ = now + limit;
    return is_late;
  }
  /// When the next call should come at the latest.
  [[nodiscard]] time_point next_call() const noexcept { return late_after_ == never ? never : late_after_ - limit / 2; }

 private:
  time_point late_after_ = never;
};

/// A clock that stands still while this process does: a timeout measured by it does not pass meanwhile.
class running_time {
 public:
  /// To be called regularly: the time at `now`, less the pauses up to then.
  [[nodiscard]] time_point at(time_point now) noexcept {
    if (stall_.has_stalled(now)) paused_ += now - last_ - counted;
    last_ = now;
    return now - paused_;
  }
  /// When this clock will show `at`, unless the process stands still before.
  [[nodiscard]] time_point until(time_point at) const noexcept { return at == never ? never : at + paused_; }
  /// When the next call of at() should come at the latest.
  [[nodiscard]] time_point next_call() const noexcept { return stall_.next_call(); }

 private:
  // Of each pause, so that timeouts pass also on a machine that is always so busy that it looks suspended.
  static constexpr duration counted = std::chrono::milliseconds(10);
  stall_detector stall_;
  time_point last_{};
  duration paused_{};
};

/// RFC 6298 with other bounds: a wrong timeout here does not retransmit into a full queue.
class rtt_estimator {
 public:
  rtt_estimator(duration initial, duration least, duration most) : initial_(initial), least_(least), most_(most) {}

  void add(duration sample) {
    if (!smoothed_) {
      smoothed_ = sample;
      variation_ = sample / 2;
    } else {
      variation_ = (3 * variation_ + std::chrono::abs(*smoothed_ - sample)) / 4;
      smoothed_ = (7 * *smoothed_ + sample) / 8;
    }
    shortest_ = std::min(shortest_, sample);
  }
  [[nodiscard]] bool has_sample() const noexcept { return smoothed_.has_value(); }
  [[nodiscard]] duration smoothed() const noexcept { return smoothed_.value_or(initial_); }
  [[nodiscard]] duration shortest() const noexcept { return has_sample() ? shortest_ : initial_; }
  /// How long to wait before a probe counts as unanswered.
  [[nodiscard]] duration timeout() const noexcept {
    if (!smoothed_) return std::min(initial_, most_);
    return std::clamp(*smoothed_ + 4 * variation_, std::min(least_, most_), most_);
  }
  /// After this time a probe has most likely left the path, answered or not.
  [[nodiscard]] duration transit() const noexcept {
    return smoothed_ ? *smoothed_ + 4 * variation_ : std::min(initial_, most_);
  }

 private:
  duration initial_;
  duration least_;
  duration most_;
  std::optional<duration> smoothed_;
  duration variation_{};
  duration shortest_ = duration::max();
};

/// A congestion window: how many probes may be in flight. It grows with each probe that ends, and shrinks if more
/// than `tolerance` of the answered probes were lost at first, which a shorter queue would reduce. A few per cent of
/// loss on a radio link do not slow it, and neither does silence, which means a filter.
class window {
 public:
  window(std::size_t first, std::size_t most)
      : size_(static_cast<double>(std::min(first, most))), most_(static_cast<double>(most)), threshold_(most_) {}

  [[nodiscard]] std::size_t size() const noexcept { return std::max<std::size_t>(1, static_cast<std::size_t>(size_)); }

  /// A probe was answered. True if the window shrank.
  bool ended(bool may_grow) {
    ++all_answered_;
    if (may_grow) size_ = std::min(most_, size_ + (size_ < threshold_ ? 1.0 : 1.0 / size_));
    return step();
  }
  /// A probe was not answered. Among many answers that may be loss, which the next attempt will show; if nearly all
  /// ports are silent, there is a filter, and the window may grow without answers.
  bool ended_silent() {
    ++all_silent_;
    if (all_silent_ > 8 * all_answered_) size_ = std::min(most_, size_ + 1.0);
    return step();
  }
  /// A port was answered after `times` lost probes.
  void lost(std::size_t times) {
    round_lost_ += times;
    round_answered_ += 1;
  }
  void answered() { round_answered_ += 1; }

  /// The system had no descriptors, ports or memory for more.
  void shrink_to(std::size_t under_way) { size_ = threshold_ = std::max(1.0, static_cast<double>(under_way)); }

 private:
  static constexpr double tolerance = 0.2;
  static constexpr std::size_t least_round = 50;
  static constexpr double floor = 8;

  bool step() { return ++round_ended_ >= std::max<std::size_t>(size(), least_round) && close_round(); }

  bool close_round() {
    const double all = static_cast<double>(round_lost_ + round_answered_);
    const bool is_crowded = round_lost_ > 2 && static_cast<double>(round_lost_) > tolerance * all;
    if (is_crowded) size_ = threshold_ = std::min(most_, std::max(floor, size_ / 2));
    round_ended_ = round_lost_ = round_answered_ = 0;
    return is_crowded;
  }

  double size_;
  double most_;
  double threshold_;
  std::size_t round_ended_ = 0;
  std::size_t round_lost_ = 0;
  std::size_t round_answered_ = 0;
  std::uint64_t all_silent_ = 0;
  std::uint64_t all_answered_ = 0;
};

/// Estimates packet loss, and how often a port must be asked before its silence is credible.
class loss_estimate {
 public:
  /// A port was answered at this attempt (1: the first).
  void answered_at(unsigned attempt) {
    ports_.add(1, attempt - 1);
    was_seen_ = was_seen_ || attempt > 1;
  }
  /// A control, a port known to answer, was answered.
  void control_answered() { controls_.add(1, 0); }
  void control_lost() {
    controls_.add(0, 1);
    ports_.add(0, 1);
    was_seen_ = true;
  }
  /// Discards what was counted, after a change of pace.
  void begin_anew() {
    ports_ = {};
    controls_ = {};
  }
  [[nodiscard]] bool was_seen() const noexcept { return was_seen_; }
  /// Ports that are never answered are missing from their own count, so with heavy loss the controls are more
  /// accurate.
  [[nodiscard]] double rate() const noexcept {
    return controls_.all() < least_controls ? ports_.rate() : std::max(ports_.rate(), controls_.rate());
  }
  /// The number of attempts, at least `least`, such that in fewer than one of a thousand scans with this many silent
  /// ports a lossy one is taken for silent. `is_little_known`: there may be more loss than was seen, as after a
  /// change.
  [[nodiscard]] unsigned tries(unsigned least, std::uint64_t ports, bool is_little_known = false) const noexcept {
    if (ports_.lost < 2 && !is_little_known) return least;
    const double most = is_little_known ? std::max(rate(), ports_.most()) : rate();
    const double wanted = std::log(1e-3 / static_cast<double>(std::max<std::uint64_t>(ports, 1))) / std::log(most);
    return std::max(least, static_cast<unsigned>(std::ceil(std::min(wanted, 1e6))));
  }

 private:
  struct tally {
    static constexpr std::uint64_t memory = 8192;  // answers; then old ones count half: congestion may have ended
    std::uint64_t answered = 0;
    std::uint64_t lost = 0;
    void add(unsigned more_answered, unsigned more_lost) {
      answered += more_answered;
      lost += more_lost;
      if (answered < memory) return;
      answered /= 2;
      lost /= 2;
    }
    [[nodiscard]] std::uint64_t all() const noexcept { return answered + lost; }
    /// Laplace's rule of succession.
    [[nodiscard]] double most() const noexcept {
      return (static_cast<double>(lost) + 1) / (static_cast<double>(all()) + 2);
    }
    [[nodiscard]] double rate() const noexcept {
      // never 1: the next one may be answered
      return lost == 0 ? 0 : static_cast<double>(lost) / (static_cast<double>(all()) + 0.5);
    }
  };
  static constexpr std::uint64_t least_controls = 8;
  tally ports_;
  tally controls_;
  bool was_seen_ = false;
};

}  // namespace netlab::scan
