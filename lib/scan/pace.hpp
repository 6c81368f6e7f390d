// SPDX-License-Identifier: MIT
// How fast to ask and how long to wait: a rate that is obeyed, a window that finds what the path bears, and
// timeouts from measured round trips. Time is an argument.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace netlab::scan {

/// At most so many a second: in any stretch of time t no more than rate × t + burst.
class rate_limit {
 public:
  /// 0: no limit. A burst makes up for the loop's own naps and is at most a hundredth of a second's worth.
  rate_limit(double per_second, time_point now)
      : gap_(per_second > 0 ? static_cast<std::int64_t>(std::ceil(1e9 / per_second)) : 0),
        slack_(std::min<duration>(std::chrono::milliseconds(10), gap_ * max_burst)),
        next_(now) {}

  /// Takes a place if there is one, for so many packets: those that follow later are counted now.
  [[nodiscard]] bool take(time_point now, unsigned packets = 1) {
    if (gap_ == duration(0)) return true;
    next_ = std::max(next_, now - slack_);
    if (next_ > now) return false;
    next_ += gap_ * packets;
    return true;
  }
  /// Takes a place that may not be there yet: what must not wait is made up for by the next.
  void charge() { next_ += gap_; }
  /// When take() will succeed; in the past if it would now.
  [[nodiscard]] time_point next() const noexcept { return gap_ == duration(0) ? time_point::min() : next_; }

 private:
  static constexpr std::int64_t max_burst = 64;
  duration gap_;
  duration slack_;
  time_point next_;
};

/// RFC 6298, with bounds of its own: nothing here retransmits into a queue that must drain first.
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
  /// When a probe has most likely left the path, answered or not.
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

/// How many probes may be under way. It grows with everything that comes to an end, and shrinks when more
/// than `tolerance` of the answered probes turn out to have been lost at first: loss that a shorter queue
/// mends. A radio link's few per cent do not slow it, and silence, which a filter means, neither.
class window {
 public:
  window(std::size_t first, std::size_t most)
      : size_(static_cast<double>(std::min(first, most))), most_(static_cast<double>(most)), threshold_(most_) {}

  [[nodiscard]] std::size_t size() const noexcept { return std::max<std::size_t>(1, static_cast<std::size_t>(size_)); }

  /// A probe was answered. True if the window became smaller.
  bool ended(bool may_grow) {
    ++all_answered_;
    if (may_grow) size_ = std::min(most_, size_ + (size_ < threshold_ ? 1.0 : 1.0 / size_));
    return step();
  }
  /// A probe was waited for in vain. Among many answers that may be loss, which is not known before the next try;
  /// where nearly everything is silent, it is a filter, and there is no hurry to be learned from answers.
  bool ended_silent() {
    ++all_silent_;
    if (all_silent_ > 8 * all_answered_) size_ = std::min(most_, size_ + 1.0);
    return step();
  }
  /// A probe was answered that had been lost before: so many times.
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

/// How often probes get lost, and how often to ask before silence is the port's own.
class loss_estimate {
 public:
  /// A port was answered at this try (1: the first).
  void answered_at(unsigned attempt) {
    ports_.add(1, attempt - 1);
    was_seen_ = was_seen_ || attempt > 1;
  }
  /// A control was: a port that answers whenever it can.
  void control_answered() { controls_.add(1, 0); }
  void control_lost() {
    controls_.add(0, 1);
    ports_.add(0, 1);
    was_seen_ = true;
  }
  /// What was lost before says nothing of how it is now.
  void begin_anew() {
    ports_ = {};
    controls_ = {};
  }
  [[nodiscard]] bool was_seen() const noexcept { return was_seen_; }
  /// Ports that are never answered are not in their own count, so of much loss the controls know more.
  [[nodiscard]] double rate() const noexcept {
    return controls_.all() < least_controls ? ports_.rate() : std::max(ports_.rate(), controls_.rate());
  }
  /// At least `least` tries, and so many that fewer than one of a thousand scans with this many silent and
  /// lossy ports calls one of them wrong.
  /// `is_little_known`: there may be more loss than was seen, as after a change.
  [[nodiscard]] unsigned tries(unsigned least, std::uint64_t ports, bool is_little_known = false) const noexcept {
    if (ports_.lost < 2 && !is_little_known) return least;
    const double most = is_little_known ? std::max(rate(), ports_.most()) : rate();
    const double wanted = std::log(1e-3 / static_cast<double>(std::max<std::uint64_t>(ports, 1))) / std::log(most);
    return std::max(least, static_cast<unsigned>(std::ceil(std::min(wanted, 1e6))));
  }

 private:
  struct tally {
    static constexpr std::uint64_t memory = 8192;  // answers; a path that was crowded once may have got better
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
      // Never 1: it may be that the next one is answered.
      return lost == 0 ? 0 : static_cast<double>(lost) / (static_cast<double>(all()) + 0.5);
    }
  };
  static constexpr std::uint64_t least_controls = 8;
  tally ports_;
  tally controls_;
  bool was_seen_ = false;
};

}  // namespace netlab::scan
