// SPDX-License-Identifier: MIT
// Schedules the probes of a stateless scan: their order, the retries, and when a port counts as silent. No socket; time
// is an argument.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "scan/pace.hpp"
#include "scan/probe_module.hpp"
#include "scan/stateless_checkpoint.hpp"

namespace netlab::scan {

/// Probes the places 0 … size-1 in order. The places probed within a fifth of a second are a part: it has one bit for
/// each place, and its own attempts. A part ends, and is removed, when all of its ports have answered or --timeout
/// has passed since its last attempt. So a scan of any size needs memory only for the probes that may still be
/// answered: an answer to any attempt counts once, and no port that has answered is asked again.
class stateless_sweep {
 public:
  static constexpr std::uint32_t max_part = std::uint32_t{1} << 18;
  /// Maximum number of places that wait for answers at the same time: 16 MiB of bits. With --timeout 1s it is never
  /// reached; with a minute it allows 2 million probes a second.
  static constexpr std::uint64_t max_waiting = std::uint64_t{1} << 27;
  static constexpr unsigned max_attempts = 255;

  struct options {
    std::uint64_t size = 0;
    duration timeout = std::chrono::seconds(1);
    unsigned attempts = 2;  ///< of a silent place
    stateless_checkpoint start;  ///< its places must be below `size`
  };

  struct probe {
    std::uint64_t place = 0;
    unsigned attempt = 1;  ///< from 1
  };
  struct silence {
    std::uint64_t place = 0;
    int system_error = 0;  ///< why the last attempt could not be sent; 0: it was sent, and no answer came
  };

  stateless_sweep(options parameters, time_point now);

  /// The next probe to send; then call sent(), postponed() or not_sent(). None: see wake().
  [[nodiscard]] std::optional<probe> next(time_point now);
  void sent(const probe& which, time_point now);
  /// It cannot be sent before its neighbour is known; the part waits for it. Later call sent_postponed(), or
  /// forget_postponed() after not_sent() or finish().
  void postponed(const probe& which);
  void sent_postponed(const probe& which, time_point now);
  void forget_postponed(const probe& which);
  /// This machine could not send it; later attempts may succeed.
  void not_sent(const probe& which, int system_error, time_point now);

  /// A place has an answer or another verdict. False: it already had one, or its part has ended.
  [[nodiscard]] bool finish(std::uint64_t place);
  /// Whether finish() would return true.
  [[nodiscard]] bool is_waiting(std::uint64_t place) const noexcept;

  /// Ends parts and begins attempts; call it only if all answers that have arrived were passed to finish(). If it is
  /// called much later than wake() says, the machine was suspended or stopped: the time does not count as waiting for
  /// answers, and --timeout begins again for the places that wait.
  void tick(time_point now);
  /// The places that have become silent.
  [[nodiscard]] std::optional<silence> take_silent();
  /// The places without a verdict, after the scan was ended early; each once.
  [[nodiscard]] std::optional<std::uint64_t> take_unfinished();

  /// When tick() or next() may have something to do; in the past if they have now.
  [[nodiscard]] time_point wake() const;
  /// tick() has something to do.
  [[nodiscard]] bool needs_tick(time_point now) const noexcept { return next_due_ <= now; }
  [[nodiscard]] bool done() const noexcept;

  /// The time between the first two attempts of a part; it doubles with each attempt, up to the timeout.
  void set_retry_wait(duration wait) noexcept;
  /// The number of attempts at a silent place; also for places being probed.
  void set_attempts(unsigned attempts) noexcept;
  /// Answers were lost in this machine after `since`: attempts that may have been answered then do not count.
  void repeat_attempts(time_point since);

  /// When the probe was sent, to within a few dozen microseconds; `residue`: its attempt modulo distinct_attempts.
  /// None: unknown.
  struct sending {
    time_point at;  ///< time_point::min(): not known, or the machine was suspended since
    unsigned attempt = 1;
    time_point began;  ///< when the place's part began: not after its first probe
  };
  [[nodiscard]] std::optional<sending> sending_of(std::uint64_t place, unsigned residue) const;

  /// The progress to save. A probe is not repeated if its timeout has passed; the answers to later ones may get lost,
  /// so a sweep that starts from this checkpoint sends these again as the same attempt.
  [[nodiscard]] stateless_checkpoint checkpoint(time_point now) const;
  [[nodiscard]] std::uint64_t finished() const noexcept { return finished_; }
  /// Places that were asked and have no verdict yet.
  [[nodiscard]] std::uint64_t waiting() const noexcept { return waiting_; }

 private:
  /// Places from this one on were sent at this time.
  struct mark {
    std::uint32_t offset;
    std::uint32_t microseconds;  // since the part began
  };
  struct single_mark {
    unsigned attempt;
    std::uint32_t microseconds;
  };
  enum class state : std::uint8_t { growing, waiting, sending, ending };
  struct part {
    std::uint64_t first = 0;
    std::uint32_t size = 0;
    std::uint32_t finished_count = 0;
    std::uint32_t cursor = 0;  // next place of the attempt
    std::uint32_t expired = 0;  // the attempt at the places before this one was over when the sweep started
    std::uint32_t postponed = 0;  // probes of the attempt not sent yet
    unsigned attempt = 1;
    unsigned extra = 0;  // attempts that do not count
    unsigned stalls = 0;  // times that the timeout began again because the machine had been suspended
    state now = state::growing;
    int error = 0;
    time_point began;
    time_point last_sent;  // the timeout counts from here
    std::vector<std::uint64_t> finished;
    std::vector<std::uint64_t> failed;  // the last attempt could not be sent; empty: none
    std::vector<std::vector<mark>> marks;  // by attempt
    std::unordered_map<std::uint32_t, single_mark> late;  // probes that were postponed, by their offset
  };

  [[nodiscard]] part* find(std::uint64_t place) noexcept;
  [[nodiscard]] const part* find(std::uint64_t place) const noexcept;
  [[nodiscard]] bool may_grow() const noexcept;
  void close_growing();
  void restart_timeouts(time_point now);
  [[nodiscard]] time_point due(const part& current) const;
  [[nodiscard]] std::uint32_t expired(const part& current, time_point now) const;
  void remember(part& current, const probe& which, time_point now);
  void set_failed(part& current, std::uint64_t place, bool value);

  options parameters_;
  duration part_time_;
  duration retry_wait_;
  std::uint64_t next_;  // the first place never probed
  std::uint64_t finished_ = 0;
  std::uint64_t waiting_ = 0;
  std::uint64_t held_ = 0;  // places in parts
  std::deque<part> parts_;  // ascending
  std::uint64_t sending_ = 0;  // parts in that state
  time_point next_due_ = time_point::min();
  stall_detector stall_;
  time_point resumed_ = time_point::min();  // when the machine was last found to have been suspended
};

}  // namespace netlab::scan
